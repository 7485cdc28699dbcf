/** The form's rules: what it starts with, which fields it shows, what goes over the wire, which problem belongs where. */
import type { Form, Frequency, Parameter, Preview, FieldProblem } from '../api/schemas';
import { dateIn } from './time';
import type { TranslationBundle } from './translation';
import type { Policy } from './policies';
import { POLICIES } from './policies';

export type Kind = Frequency['kind'];

/** What the person has typed.  Like the wire's form, but for the field that can hold text that isn't a number yet. */
export interface FormState extends Omit<Form, 'timeout_minutes'> {
  timeout: string;
  /** the box beside *Public* */
  checkedPublic: boolean;
}

/** The fields that an error can stand under. */
export type Field =
  | 'name'
  | 'kind'
  | 'at'
  | 'days'
  | 'day_of_month'
  | 'date'
  | 'cron'
  | 'timezone'
  | 'parameters'
  | 'files'
  | 'output_dir'
  | 'command'
  | 'timeout'
  | 'expect'
  | 'visibility'
  | 'size'
  | 'data_role'
  | 'notify'
  | 'silence_by'
  | 'monthly_cap'
  | Policy;

/** Sentences by field; `form` is what belongs to none. */
export type Problems = Partial<Record<Field | 'form', string>>;

export const KINDS: Kind[] = ['daily', 'weekdays', 'weekly', 'monthly', 'hourly', 'once', 'cron'];
export const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const TIMEOUT = { least: 1, most: 1440 };

const FIELDS_OF: Record<Kind, Field[]> = {
  daily: ['at'],
  weekdays: ['at'],
  weekly: ['days', 'at'],
  monthly: ['day_of_month', 'at'],
  hourly: ['at'],
  once: ['date', 'at'],
  cron: ['cron']
};
/** The fields that most leave as they are, in the order in which they stand. */
export const BEHIND_FOLD: Field[] = ['command', 'timeout', 'timezone', ...POLICIES, 'notify', 'silence_by', 'expect'];
const ORDER: Field[] = [
  'name',
  'kind',
  'days',
  'day_of_month',
  'date',
  'at',
  'cron',
  'parameters',
  'files',
  'output_dir',
  'visibility',
  'size',
  'data_role',
  'monthly_cap',
  ...BEHIND_FOLD
];
/** the server's name of a field, where it isn't ours */
const ALIASES: Record<string, Field> = {
  day: 'day_of_month',
  once: 'date',
  timeout_minutes: 'timeout',
  timing: 'cron',
  environment: 'files',
  kernel: 'files',
  launcher: 'size',
  left_out: 'files'
};

/** A new schedule's form: daily, noon UTC, private, 120 minutes. */
export function createForm(notebook: string | null, now: number): FormState {
  return {
    notebook,
    name: notebook ? suggestName(notebook) : '',
    frequency: {
      kind: 'daily',
      at: '12:00',
      days: [DAYS[(new Date(now).getUTCDay() + 6) % 7]!],
      day_of_month: '1',
      date: dateIn('UTC', now, 1),
      cron: '0 12 * * *',
      timezone: 'UTC'
    },
    parameters: {},
    files: [],
    left_out: [],
    output_dir: null,
    timeout: '120',
    visibility: 'private',
    publish_report: false,
    previous: [],
    expect: [],
    env: [],
    environment: 'kernel',
    kernel: null,
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
    data_role: null,
    checkedPublic: false
  };
}

/** The form of a recorded schedule; fields that its frequency doesn't use start as in a new one. */
export function fromWire(form: Form, now: number): FormState {
  const { timeout_minutes, ...rest } = form;
  const fresh = createForm(form.notebook, now).frequency;
  const { frequency } = form;
  return {
    ...rest,
    frequency: {
      ...frequency,
      days: frequency.days.length ? frequency.days : fresh.days,
      date: frequency.date || fresh.date,
      cron: frequency.cron || fresh.cron
    },
    timeout: String(timeout_minutes),
    checkedPublic: form.visibility === 'public'
  };
}

/**
 * What goes over the wire, without what the frequency doesn't ask for.
 *
 * A time limit that is no number yet is sent as the default, and told by `ownProblems`.
 */
export function toWire(state: FormState): Form {
  const { timeout, checkedPublic: _, ...rest } = state;
  const { frequency } = state;
  const asked = fieldsFor(frequency.kind);
  return {
    ...rest,
    name: state.name.trim(),
    frequency: {
      ...frequency,
      at: asked.includes('at') ? frequency.at : '12:00',
      days: asked.includes('days') ? frequency.days : [],
      day_of_month: asked.includes('day_of_month') ? frequency.day_of_month : '1',
      date: asked.includes('date') ? frequency.date : '',
      cron: asked.includes('cron') ? frequency.cron : ''
    },
    timeout_minutes: parseMinutes(timeout) ?? 120
  };
}

/** Which fields the frequency asks for. */
export function fieldsFor(kind: Kind): Field[] {
  return FIELDS_OF[kind];
}

/** `state` with another frequency; the time of day is kept wherever it means one. */
export function withKind(state: FormState, kind: Kind): FormState {
  const was = state.frequency;
  let { at } = was;
  if (kind === 'hourly' && was.kind !== 'hourly') {
    at = '0';
  } else if (kind !== 'hourly' && was.kind === 'hourly') {
    at = '12:00';
  }
  return { ...state, frequency: { ...was, kind, at } };
}

/** `state` with a value for a parameter; undefined takes the notebook's. */
export function withParameter(state: FormState, name: string, value: unknown): FormState {
  const { [name]: _, ...others } = state.parameters;
  return { ...state, parameters: value === undefined ? others : { ...others, [name]: value } };
}

/** `state` with `path` among its files. */
export function withFile(state: FormState, path: string): FormState {
  const files = state.files.includes(path) ? state.files : [...state.files, path];
  return { ...state, files, left_out: state.left_out.filter(other => other !== path) };
}

/** `state` without `path`: neither named nor taken because the notebook uses it. */
export function withoutFile(state: FormState, path: string): FormState {
  const left_out = state.left_out.includes(path) ? state.left_out : [...state.left_out, path];
  return { ...state, files: state.files.filter(other => other !== path), left_out };
}

/** What is wrong that the browser can tell alone. */
export function checkForm(state: FormState, trans: TranslationBundle): Problems {
  const problems: Problems = {};
  if (parseMinutes(state.timeout) === null) {
    problems.timeout = trans.__('Between 1 and 1,440 minutes, please.');
  }
  if (state.visibility === 'public' && !state.checkedPublic) {
    problems.visibility = trans.__('Look at what will be public first, then tick the box.');
  }
  if (state.frequency.kind === 'weekly' && state.frequency.days.length === 0) {
    problems.days = trans.__('Pick at least one day.');
  }
  return problems;
}

/** The server's problems under our fields; of several for one field, the first. */
export function groupByField(found: readonly FieldProblem[], kind: Kind): Problems {
  const problems: Problems = {};
  for (const { field, message } of found) {
    problems[placeProblem(field, kind)] ??= message;
  }
  return problems;
}

/** The first field with a problem, in the order in which they stand. */
export function findFirst(problems: Problems): Field | undefined {
  return ORDER.find(field => problems[field]);
}

function placeProblem(field: string | null, kind: Kind): Field | 'form' {
  const last = field?.split('.').pop() ?? '';
  const ours = ALIASES[last] ?? (ORDER.includes(last as Field) ? (last as Field) : 'form');
  // A cron expression made of a preset can only be wrong where the person chose: in the time or the days.
  return ours === 'cron' && kind !== 'cron' ? 'kind' : ours;
}

/** A name from a notebook's path, as the server would suggest it: `Slow SQL.ipynb` becomes `slow-sql`. */
export function suggestName(notebook: string): string {
  const stem = (notebook.split('/').pop() ?? '').replace(/\.ipynb$/i, '');
  return stem
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .slice(0, 63)
    .replace(/^[._-]+|[._-]+$/g, '');
}

/** The name that a refusal of `name` offers instead: what it puts in quotation marks last. */
export function findOfferedName(sentence: string, name: string): string | null {
  const quoted = [...sentence.matchAll(/“([^”]+)”/g)].pop()?.[1];
  return quoted && quoted !== name ? quoted : null;
}

/** Whether there is anything to choose about where it runs. */
export function hasChoice({ workers }: Preview, { data_role }: FormState): boolean {
  return workers.length > 1 || data_role !== null || workers.some(({ data_roles }) => data_roles.length > 0);
}

/** What the notebook has, as it would be typed. */
export function formatDefault(parameter: Parameter): string {
  const value: unknown = parameter.default;
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The parameters that a person can set; what every run fills by itself comes apart. */
export function selectSettable(preview: Preview): Parameter[] {
  return preview.parameters.filter(parameter => !preview.filled.includes(parameter.name));
}

function parseMinutes(text: string): number | null {
  const plain = text.trim();
  const minutes = /^\d{1,5}$/.test(plain) ? Number(plain) : NaN;
  return minutes >= TIMEOUT.least && minutes <= TIMEOUT.most ? minutes : null;
}

/** Whether a file is in the tarball. */
export function isSent({ status }: { status: string }): boolean {
  return status === 'included' || status === 'named';
}

/** What every part of the form works on. */
export interface FormPartProps {
  state: FormState;
  /** the errors to show now */
  problems: Problems;
  preview: Preview | undefined;
  change(state: FormState): void;
}
