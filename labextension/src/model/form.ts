/** The form's rules: what it starts with, which fields it shows, what goes over the wire, which problem belongs where. */
import type { Form, Frequency, Parameter, Preview, FieldProblem } from '../api/schemas';
import { DEFAULTS, DEFAULT_FREQUENCY, LIMITS } from './formDefaults';
import { dateIn } from './time';
import type { TranslationBundle } from './translation';
import { POLICIES } from './policies';

export type Kind = Frequency['kind'];

/** The text that was typed, in the form of the API.  Only the time limit can hold text that isn't a number yet. */
export interface FormState extends Omit<Form, 'timeout_minutes'> {
  timeout_minutes: string;
  /** the box beside *Public* */
  checkedPublic: boolean;
  /** It was public before, and nothing here makes it wider: the server asks anew when what runs has changed. */
  wasPublic: boolean;
}

/** One place in the form shows the problems of all that goes into the tarball. */
export const TARBALL_FIELDS = ['tarball', 'files', 'left_out'] as const;
/** A machine is chosen with its launcher. */
export const COMPUTE_FIELDS = ['launcher', 'size'] as const;
/** The fields that most leave as they are, in the order in which they stand. */
export const BEHIND_FOLD = [
  ...(['kernel', 'environment', 'env', 'previous', 'command', 'timeout_minutes', 'timezone'] as const),
  ...POLICIES,
  ...(['notify', 'silence_by', 'expect'] as const)
] as const;
/** The fields that an error can stand under, by the API's names, in the order in which they stand. */
const FIELDS = [
  ...(['name', 'kind', 'days', 'day_of_month', 'date', 'at', 'cron', 'parameters'] as const),
  ...TARBALL_FIELDS,
  ...(['output_dir', 'visibility'] as const),
  ...COMPUTE_FIELDS,
  ...(['data_role', 'monthly_cap'] as const),
  ...BEHIND_FOLD
] as const;
export type Field = (typeof FIELDS)[number];

/** Sentences by field; `form` is what belongs to none. */
export type Problems = Partial<Record<Field | 'form', string>>;

export const KINDS: Kind[] = ['daily', 'weekdays', 'weekly', 'monthly', 'hourly', 'once', 'cron'];
export const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const FIELDS_OF: Record<Kind, Field[]> = {
  daily: ['at'],
  weekdays: ['at'],
  weekly: ['days', 'at'],
  monthly: ['day_of_month', 'at'],
  hourly: ['at'],
  once: ['date', 'at'],
  cron: ['cron']
};

/** A new schedule's form: daily, noon UTC, private, 120 minutes. */
export function createForm(notebook: string | null, now: number): FormState {
  return {
    ...DEFAULTS,
    notebook,
    name: notebook ? suggestName(notebook) : '',
    frequency: {
      ...DEFAULT_FREQUENCY,
      days: [DAYS[(new Date(now).getUTCDay() + 6) % 7]!],
      date: dateIn('UTC', now, 1)
    },
    timeout_minutes: String(DEFAULTS.timeout_minutes),
    checkedPublic: false,
    wasPublic: false
  };
}

/** The form of a recorded schedule; fields that its frequency doesn't use start as in a new one. */
export function fromWire(form: Form, now: number): FormState {
  const fresh = createForm(form.notebook, now).frequency;
  const { frequency } = form;
  return {
    ...form,
    frequency: {
      ...frequency,
      days: frequency.days.length ? frequency.days : fresh.days,
      date: frequency.date || fresh.date,
      cron: frequency.cron || fresh.cron
    },
    timeout_minutes: String(form.timeout_minutes),
    checkedPublic: false,
    wasPublic: form.visibility === 'public'
  };
}

/**
 * The form as it goes over the wire, without what the frequency doesn't ask for.
 *
 * A time limit that is no number yet is sent as the default, and told by `checkForm`.
 */
export function toWire(state: FormState): Form {
  const { checkedPublic: _, wasPublic: __, ...rest } = state;
  const { frequency } = state;
  const asked = fieldsFor(frequency.kind);
  return {
    ...rest,
    name: state.name.trim(),
    frequency: {
      ...frequency,
      at: asked.includes('at') ? frequency.at : DEFAULT_FREQUENCY.at,
      days: asked.includes('days') ? frequency.days : [],
      day_of_month: asked.includes('day_of_month') ? frequency.day_of_month : DEFAULT_FREQUENCY.day_of_month,
      date: asked.includes('date') ? frequency.date : '',
      cron: asked.includes('cron') ? frequency.cron : ''
    },
    timeout_minutes: parseMinutes(state.timeout_minutes) ?? DEFAULTS.timeout_minutes
  };
}

/** The fields that the frequency asks for. */
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
    at = DEFAULT_FREQUENCY.at;
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

/** `state` with a tarball that was sent, instead of a notebook; `file` names it where nothing else does. */
export function withTarball(state: FormState, tarball: string, file: string): FormState {
  const name = state.name || suggestName(file.replace(/\.(tar\.gz|tgz)$/i, ''));
  return { ...state, name, tarball, notebook: null, parameters: {}, files: [], left_out: [], kernel: null };
}

/** `state` with the notebook again, instead of a tarball. */
export function withNotebook(state: FormState, notebook: string): FormState {
  return { ...state, notebook, tarball: null };
}

/** `state` without `path`: neither named nor taken because the notebook uses it. */
export function withoutFile(state: FormState, path: string): FormState {
  const left_out = state.left_out.includes(path) ? state.left_out : [...state.left_out, path];
  return { ...state, files: state.files.filter(other => other !== path), left_out };
}

/** The problems that the browser can tell alone. */
export function checkForm(state: FormState, trans: TranslationBundle): Problems {
  const problems: Problems = {};
  if (state.notebook === null && state.tarball === null) {
    problems.tarball = trans.__('Choose a tarball.');
  }
  if (parseMinutes(state.timeout_minutes) === null) {
    problems.timeout_minutes = trans.__('Between 1 and 1,440 minutes, please.');
  }
  if (state.visibility === 'public' && !state.checkedPublic && !state.wasPublic) {
    problems.visibility = trans.__('Look at what will be public first, then tick the box.');
  }
  if (state.frequency.kind === 'weekly' && state.frequency.days.length === 0) {
    problems.days = trans.__('Pick at least one day.');
  }
  return problems;
}

/** The server's problems by field; of several for one field, the first. */
export function groupByField(found: readonly FieldProblem[], kind: Kind): Problems {
  const problems: Problems = {};
  for (const { field, message } of found) {
    problems[placeProblem(field, kind)] ??= message;
  }
  return problems;
}

/** The first field with a problem, in the order in which they stand. */
export function findFirst(problems: Problems): Field | undefined {
  return FIELDS.find(field => problems[field]);
}

/** The first problem of `fields`, which one place in the form shows. */
export function findProblem(problems: Problems, fields: readonly Field[]): string | undefined {
  return fields.map(field => problems[field]).find(problem => problem);
}

function placeProblem(field: string | null, kind: Kind): Field | 'form' {
  const last = field?.split('.').pop() ?? '';
  const known = FIELDS.find(name => name === last) ?? 'form';
  // A cron expression made of a preset can only be wrong where the person chose: in the time or the days.
  return known === 'cron' && kind !== 'cron' ? 'kind' : known;
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

/** True when there is a choice of where it runs. */
export function hasChoice({ workers }: Preview, { data_role }: FormState): boolean {
  return workers.length > 1 || data_role !== null || workers.some(({ data_roles }) => data_roles.length > 0);
}

/** The notebook's own value, as it would be typed. */
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
  const { least, most } = LIMITS.timeout_minutes;
  return minutes >= least && minutes <= most ? minutes : null;
}

/** True when the file is in the tarball. */
export function isSent({ status }: { status: string }): boolean {
  return status === 'included' || status === 'named';
}

/** Every part of the form works on this. */
export interface FormPartProps {
  state: FormState;
  /** the errors to show now */
  problems: Problems;
  preview: Preview | undefined;
  change(state: FormState): void;
}
