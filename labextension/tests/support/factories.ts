/** Answers of the server, made of what a test cares about. */
import type {
  Calendar,
  CalendarDay,
  CellDifference,
  Difference,
  Form,
  Parameter,
  Preview,
  Run,
  RunDetails,
  Schedule,
  Status,
  Version
} from '../../src/api/schemas';
import { createForm, toWire } from '../../src/model/form';

/** Mon 23 Nov 2026, 11:00 UTC: noon in Paris. */
export const NOW = Date.parse('2026-11-23T11:00:00Z');

export function form(changes: Partial<Form> = {}): Form {
  return { ...toWire(createForm('reports/bikes.ipynb', NOW)), ...changes };
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
    name_with_results: null,
    suggested_name: 'bikes',
    output_dir: 'output',
    python_version: '3.11',
    requirements_source: null,
    requirements: [],
    summary:
      'Runs every day at 12:00 UTC, next Tue 24 Nov 13:00 your time; stops after 2 h; keeps results in the folder published/bikes.',
    destination: 'keeps results in the folder published/bikes',
    next: [{ scheduled_for: '2026-11-24T12:00:00Z', local: '2026-11-24T12:00:00+00:00', note: null }],
    can_be_public: false,
    workers: [],
    estimate: null,
    publishing_cost: '',
    channels: [],
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
    machine_seconds: null,
    cost: null,
    cancelled_by: null,
    progress: null,
    place: null,
    held: null,
    publication: null,
    outputs: [],
    report: [],
    archive: null,
    trial: false,
    notes: [],
    elsewhere: [],
    failure: null,
    parameters: {},
    bundle: 'd'.repeat(64),
    usual_seconds: null,
    release: null,
    removed: null,
    pruned_at: null,
    findings: [],
    more_findings: 0,
    only_hover_data: false,
    releasable: false,
    ...changes
  };
}

export function failed(changes: Partial<RunDetails> = {}): RunDetails {
  return run({
    status: 'failed',
    reason: 'cell_failed',
    message: 'ZeroDivisionError at cell 2 of 3: division by zero.',
    failure: {
      kind: 'ZeroDivisionError',
      cell: 2,
      cells: 3,
      line: 1,
      source: 'x = 1 / 0\nprint(x)',
      traceback: 'Traceback\n  line'
    },
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
    message: preview().summary,
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
    on_delete: 'It published nothing.',
    last_runs: [] as Run[],
    ...changes
  };
}

export function status(changes: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    ticking: true,
    hindrance: null,
    embedded: false,
    service_installable: true,
    service_installed: true,
    failing: 0,
    running: 0,
    timezone_names: [],
    workers: [],
    undelivered: [],
    still_public: [],
    ...changes
  };
}

/** A day of the calendar, due once at noon UTC. */
export function day(date: string, state: CalendarDay['state'], changes: Partial<CalendarDay> = {}): CalendarDay {
  const noon = Date.parse(`${date}T12:00:00Z`);
  const before = new Date(noon - 86_400_000).toISOString().replace('.000', '');
  return {
    day: date,
    state,
    counts: { [state]: 1 },
    data_start: before,
    data_end: `${date}T12:00:00Z`,
    run_id: null,
    ...changes
  };
}

export function calendar(changes: Partial<Calendar> = {}): Calendar {
  return { timezone: 'UTC', today: '2026-11-23', days: [], waiting: 0, going: 0, asked: 0, ...changes };
}

export function version(number: number, changes: Partial<Version> = {}): Version {
  return {
    version: number,
    author: 'local',
    created_at: '2026-11-20T10:00:00Z',
    bundle: 'd'.repeat(64),
    timing: { cron: '0 12 * * *', once: null, timezone: 'UTC' },
    ...changes
  };
}

export function cell(changes: Partial<CellDifference> = {}): CellDifference {
  const lines = [
    { kind: 'removed', text: 'rides = 1' },
    { kind: 'added', text: 'rides = 2' }
  ];
  return { kind: 'changed', type: 'code', number: 2, lines, tags: null, ...changes };
}

/** Of version 3 beside the notebook. */
export function difference(changes: Partial<Difference> = {}): Difference {
  const before = { ...version(3), form: form({ name: 'bikes' }) };
  return {
    state: 'differs',
    message: null,
    before,
    after: null,
    cells: [],
    more: 0,
    kernels: null,
    files: [],
    ...changes
  };
}
