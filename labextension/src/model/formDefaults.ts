/** The API's defaults and limits of a form, by its own names: the one place in which the front end repeats them. */
import type { Form, Frequency } from '../api/schemas';

/** Daily at noon UTC; the day and the date follow from the clock. */
export const DEFAULT_FREQUENCY: Omit<Frequency, 'days' | 'date'> = {
  kind: 'daily',
  at: '12:00',
  day_of_month: '1',
  cron: '0 12 * * *',
  timezone: 'UTC'
};

export const DEFAULTS: Omit<Form, 'notebook' | 'name' | 'frequency'> = {
  tarball: null,
  parameters: {},
  files: [],
  left_out: [],
  output_dir: null,
  timeout_minutes: 120,
  visibility: 'private',
  publish_report: false,
  hide_code: false,
  previous: [],
  expect: [],
  env: [],
  environment: 'kernel',
  kernel: null,
  continue_results: false,
  command: './run.sh',
  overlap: 'queue_one',
  catch_up: 'latest',
  policies: {
    start: null,
    end: null,
    max_runs: null,
    retries: 0,
    retry_wait: 5,
    start_deadline: null,
    monthly_cap: null,
    pause_after: null,
    keep_runs: null,
    keep_days: null
  },
  notify: { channels: [], on: ['failure', 'time_out', 'recovery', 'auto_pause', 'silence'], silence_by: null },
  launcher: 'local',
  size: null,
  data_role: null
};

/** Both ends are allowed. */
export const LIMITS = { timeout_minutes: { least: 1, most: 1440 } };
