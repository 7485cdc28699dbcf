/** The differences between two states of a schedule, in the form's own words. */
import type { Form, Schedule } from '../api/schemas';
import { isSame } from './patch';
import type { Policy } from './policies';
import { policyLabels } from './policies';
import type { TranslationBundle } from './translation';

export interface FieldChange {
  label: string;
  was: string;
  now: string;
  /** it is the tarball, not a field of the form */
  code?: true;
}

/** The part of a schedule that a comparison reads. */
type State = Pick<Schedule, 'form' | 'bundle'>;

/** Each field of the form that differs, and the code. */
export function listChanges(before: State, after: State, trans: TranslationBundle): FieldChange[] {
  const [old, current] = [flatten(before.form), flatten(after.form)];
  const changes: FieldChange[] = Object.keys({ ...old, ...current })
    .filter(key => key !== 'tarball' && !isSame(old[key], current[key]))
    .map(key => ({
      label: nameField(key, trans),
      was: formatValue(old[key], trans),
      now: formatValue(current[key], trans)
    }));
  if (before.bundle !== after.bundle) {
    const tarball = (bundle: string) => trans.__('tarball %1', bundle.slice(0, 7));
    changes.push({ label: trans.__('Code'), was: tarball(before.bundle), now: tarball(after.bundle), code: true });
  }
  return changes;
}

/** The form without its levels: a parameter is known by its name. */
function flatten({ frequency, parameters, policies, notify, ...rest }: Form): Record<string, unknown> {
  const named = Object.entries(parameters).map(([name, value]) => [`parameters.${name}`, value] as const);
  return { ...frequency, ...policies, ...notify, ...rest, ...Object.fromEntries<unknown>(named) };
}

function nameField(key: string, trans: TranslationBundle): string {
  const labels: Record<string, string> = {
    launcher: trans.__('Where it runs'),
    size: trans.__('Where it runs'),
    data_role: trans.__('Role for data'),
    monthly_cap: trans.__('Monthly cap (dollars)'),
    kind: trans.__('Schedule frequency'),
    at: trans.__('Time of day'),
    days: trans.__('Day of week'),
    day_of_month: trans.__('Day of month'),
    date: trans.__('Date'),
    cron: trans.__('Cron expression'),
    timezone: trans.__('Time zone'),
    files: trans.__('Files named'),
    left_out: trans.__('Files left out'),
    output_dir: trans.__('Output directory'),
    timeout_minutes: trans.__('Job timeout (minutes)'),
    visibility: trans.__('Publish results'),
    command: trans.__('Execution commandline'),
    overlap: trans.__('If the last run is still going'),
    catch_up: trans.__('If the scheduler was off'),
    channels: trans.__('Notify'),
    on: trans.__('Notify when'),
    silence_by: trans.__('Alert if nothing is published by')
  };
  return labels[key] ?? policyLabels(trans)[key as Policy]?.label ?? key.replace(/^parameters\./, '');
}

function formatValue(value: unknown, trans: TranslationBundle): string {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0) || value === '') {
    return trans.__('nothing');
  }
  return Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : JSON.stringify(value);
}
