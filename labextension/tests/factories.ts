/** Answers of the server, made of what a test cares about. */
import type { Form, Parameter, Preview, Run, RunDetails, Schedule, Status } from '../src/api/shapes';
import { initial, toWire } from '../src/model/form';

/** Mon 23 Nov 2026, 11:00 UTC: noon in Paris. */
export const NOW = Date.parse('2026-11-23T11:00:00Z');

export function form(changes: Partial<Form> = {}): Form {
  return { ...toWire(initial('reports/bikes.ipynb', NOW)), ...changes };
}

export function parameter(changes: Partial<Parameter> = {}): Parameter {
  return { name: 'month', type: 'integer', default: 3, help: '', ...changes };
}

export function preview(changes: Partial<Preview> = {}): Preview {
  return {
    problems: [],
    bundle: 'd'.repeat(64),
    size: 17_000,
    files: [{ path: 'reports/bikes.ipynb', size: 900, status: 'included', why: 'the notebook', cell: null }],
    findings: [],
    parameters: [],
    filled: [],
    suggested_name: 'bikes',
    output_dir: 'output',
    python_version: '3.11',
    requirements_source: null,
    requirements: [],
    summary: 'Runs every day at 12:00 UTC, next Tue 24 Nov 13:00 your time; stops after 2 h; keeps results in the folder published/bikes.',
    destination: 'keeps results in the folder published/bikes',
    next: [{ scheduled_for: '2026-11-24T12:00:00Z', local: '2026-11-24T12:00:00+00:00', note: null }],
    can_be_public: false,
    ...changes
  };
}

export function run(changes: Partial<RunDetails> = {}): RunDetails {
  return {
    run_id: '6f1c0000-0000-4000-8000-000000000000',
    schedule: 'bikes',
    version: 1,
    scheduled_for: '2026-11-23T10:00:00Z',
    trigger: 'schedule',
    status: 'succeeded',
    reason: 'ok',
    message: 'Succeeded in 6 s.',
    attempts: [],
    count: 1,
    until: null,
    created_at: '2026-11-23T10:00:00Z',
    started_at: '2026-11-23T10:00:01Z',
    ended_at: '2026-11-23T10:00:07Z',
    seconds: 6,
    cancelled_by: null,
    progress: null,
    place: null,
    publication: null,
    outputs: [],
    report: [],
    notes: [],
    elsewhere: [],
    failure: null,
    parameters: {},
    bundle: 'd'.repeat(64),
    usual_seconds: null,
    release: null,
    findings: [],
    more_findings: 0,
    releasable: false,
    ...changes
  };
}

export function failed(changes: Partial<RunDetails> = {}): RunDetails {
  return run({
    status: 'failed',
    reason: 'cell_failed',
    message: 'ZeroDivisionError at cell 2 of 3: division by zero.',
    failure: { kind: 'ZeroDivisionError', cell: 2, cells: 3, line: 1, source: 'x = 1 / 0\nprint(x)', traceback: 'Traceback\n  line' },
    ...changes
  });
}

export function schedule(changes: Partial<Schedule> = {}): Schedule {
  const name = changes.name ?? 'bikes';
  return {
    name,
    id: name,
    state: 'active',
    version: 3,
    owner: 'local',
    summary: preview().summary,
    timing: { cron: '0 12 * * *', once: null, timezone: 'UTC' },
    form: form({ name }),
    next_due: '2026-11-24T12:00:00Z',
    next: preview().next,
    destination: preview().destination,
    publication_url: null,
    created_at: '2026-11-20T10:00:00Z',
    changed_at: '2026-11-20T10:00:00Z',
    changed_by: 'local',
    paused: null,
    public_confirmed: null,
    bundle: 'd'.repeat(64),
    last_runs: [] as Run[],
    ...changes
  };
}

export function status(changes: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    ticking: true,
    embedded: false,
    service_installable: true,
    service_installed: true,
    failing: 0,
    running: 0,
    timezone_names: [],
    ...changes
  };
}
