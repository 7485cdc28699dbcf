/** A run in words: its state, its cause, its steps.  Colour, icon and word always say the same. */
import type { Run, RunDetails, RunStatus, Schedule } from '../api/schemas';
import type { Clock } from './time';
import { formatCoarseDuration, formatDuration } from './format';
import type { TranslationBundle } from './translation';

/** The colours of a state, by their meaning. */
export type Role = 'muted' | 'info' | 'success' | 'error' | 'warning';

/** The pictures of a state. */
export type Icon =
  | 'waiting'
  | 'launching'
  | 'running'
  | 'publishing'
  | 'succeeded'
  | 'failed'
  | 'timed_out'
  | 'stopped'
  | 'skipped'
  | 'paused';

export interface State {
  icon: Icon;
  role: Role;
  words: string;
}

/** The words about a run depend on this besides the run. */
export interface Reader {
  trans: TranslationBundle;
  clock: Clock;
  /** milliseconds */
  now: number;
}

const LOOKS: Record<RunStatus, [Icon, Role]> = {
  due: ['waiting', 'muted'],
  launching: ['launching', 'info'],
  running: ['running', 'info'],
  publishing: ['publishing', 'info'],
  succeeded: ['succeeded', 'success'],
  failed: ['failed', 'error'],
  timed_out: ['timed_out', 'error'],
  cancelled: ['stopped', 'muted'],
  skipped: ['skipped', 'muted']
};
const OPEN: RunStatus[] = ['due', 'launching', 'running', 'publishing'];
const CAUSE_LENGTH = 120;
/** colours and cursor movements, titles and links of terminals, other two-sign sequences */
// eslint-disable-next-line no-control-regex -- they begin with one
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// eslint-disable-next-line no-control-regex -- they are what goes
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** A person's name; on a server of one's own that person is the reader. */
export function namePerson(who: string, trans: TranslationBundle): string {
  return who === 'local' ? trans.__('you') : who;
}

/** True while the run can still change. */
export function isOpen(run: Run): boolean {
  return OPEN.includes(run.status);
}

/** The time by which a person knows it: when it was due, or, of a retry, when somebody asked for it. */
export function findTime(run: Run): string {
  return run.trigger === 'retry' ? run.created_at : run.scheduled_for;
}

/** True when somebody should look at it. */
export function needsALook(run: Run): boolean {
  return run.status === 'failed' || run.status === 'timed_out';
}

/** The state's icon, colour and words, such as `Running, cell 4 of 6`. */
export function describeState(run: Run, reader: Reader): State {
  if (run.reason === 'unreadable') {
    return describeBroken(reader);
  }
  const [icon, role] = LOOKS[run.status];
  return { icon, role: run.reason === 'missed' ? 'warning' : role, words: describe(run, reader) };
}

/** What the ledger has of it can't be read; its sentence says more. */
function describeBroken({ trans }: Reader): State {
  return { icon: 'failed', role: 'error', words: trans.__('Broken') };
}

const ENDINGS: Partial<Record<Intl.LDMLPluralRule, string>> = { one: 'st', two: 'nd', few: 'rd' };

/** `12th`. */
function ordinal(place: number): string {
  return `${place}${ENDINGS[new Intl.PluralRules('en', { type: 'ordinal' }).select(place)] ?? 'th'}`;
}

function describe(run: Run, { trans, clock, now }: Reader): string {
  switch (run.status) {
    case 'due':
      return Date.parse(run.scheduled_for) > now
        ? trans.__('Starts %1', clock.ahead(run.scheduled_for, now))
        : (run.held ??
            ((run.place ?? 1) > 1
              ? trans.__('Waiting: %1 in line', ordinal(run.place!))
              : trans.__('Waiting to start')));
    case 'launching':
      return run.attempts.length > 1
        ? trans.__('Worker lost, trying again (attempt %1)', run.attempts.length)
        : trans.__('Starting worker');
    case 'running':
      return run.cancelled_by ? trans.__('Stopping…') : describeRunning(run, trans) + describeTimeLeft(run, trans, now);
    case 'publishing':
      return trans.__('Publishing');
    case 'succeeded':
      return run.seconds === null ? trans.__('Succeeded') : trans.__('Succeeded in %1', formatDuration(run.seconds));
    case 'failed':
      return describeFailure(run, trans);
    case 'timed_out':
      return run.seconds === null ? trans.__('Timed out') : trans.__('Timed out after %1', formatDuration(run.seconds));
    case 'cancelled':
      return run.cancelled_by ? trans.__('Stopped by %1', namePerson(run.cancelled_by, trans)) : trans.__('Stopped');
    case 'skipped':
      return describeSkipped(run, trans);
  }
}

function describeRunning(run: Run, trans: TranslationBundle): string {
  const [done, all] = run.progress ?? [0, 0];
  return all ? trans.__('Running, cell %1 of %2', Math.min(done + 1, all), all) : trans.__('Running');
}

/** `, about 20 s left`, from what such a run usually takes. */
function describeTimeLeft(run: Run, trans: TranslationBundle, now: number): string {
  const usual = 'usual_seconds' in run ? (run as RunDetails).usual_seconds : null;
  const seconds = usual && run.started_at ? usual - (now - Date.parse(run.started_at)) / 1000 : 0;
  return seconds >= 1 ? trans.__(', about %1 left', formatCoarseDuration(Math.ceil(seconds / 5) * 5)) : '';
}

function describeFailure(run: Run, trans: TranslationBundle): string {
  const failure = 'failure' in run ? (run as RunDetails).failure : null;
  if (failure?.cell) {
    return failure.cells
      ? trans.__('Failed at cell %1 of %2', failure.cell, failure.cells)
      : trans.__('Failed at cell %1', failure.cell);
  }
  return trans.__('Failed');
}

function describeSkipped(run: Run, trans: TranslationBundle): string {
  const word = run.reason === 'missed' ? trans.__('Missed') : trans.__('Skipped');
  return run.count > 1 ? trans._n('%2 %1 time', '%2 %1 times', run.count, word) : word;
}

/** The state of a list's row: the schedule's own, or its newest run's with when that was. */
export function describeScheduleState(schedule: Schedule, reader: Reader): State {
  const { trans, clock, now } = reader;
  if (schedule.state === 'broken') {
    return describeBroken(reader);
  }
  const latest = findNewest(schedule);
  if (latest && isOpen(latest)) {
    return describeState(latest, reader);
  }
  if (schedule.state === 'paused') {
    return { icon: 'paused', role: 'muted', words: trans.__('Paused') };
  }
  if (schedule.state === 'rehearsing' && !(latest && needsALook(latest))) {
    return { icon: 'waiting', role: 'warning', words: trans.__('Waiting for a first successful run') };
  }
  if (!latest) {
    return { icon: 'waiting', role: 'muted', words: trans.__('No runs yet') };
  }
  const [icon, role] = LOOKS[latest.status];
  const when = clock.past(latest.ended_at ?? latest.scheduled_for, now);
  const short: Partial<Record<RunStatus, string>> = {
    succeeded: trans.__('Succeeded %1', when),
    failed: trans.__('Failed %1', when),
    timed_out: trans.__('Timed out %1', when),
    cancelled: trans.__('Stopped %1', when)
  };
  return { icon, role, words: short[latest.status] ?? describeState(latest, reader).words };
}

/** The newest run, one that is going before any other. */
export function findNewest(schedule: Schedule): Run | undefined {
  return schedule.last_runs.find(isOpen) ?? schedule.last_runs[0];
}

/** The cause of its end: one line of at most 120 characters without escape codes; empty when there is nothing to say. */
export function describeCause(run: Run): string {
  const line = stripControls(run.message ?? '')
    .split('\n')[0]!
    .trim();
  return line.length <= CAUSE_LENGTH ? line : `${line.slice(0, CAUSE_LENGTH - 1).trimEnd()}…`;
}

/** The file that it looked for in vain, as the notebook names it; null where it ended otherwise. */
export function findMissingName(run: RunDetails): string | null {
  const last = run.failure?.traceback?.trim().split('\n').pop() ?? '';
  const said = /No such file or directory: (['"])(.+?)\1/.exec(
    `${run.status === 'failed' ? run.message : ''}\n${last}`
  );
  return said ? stripControls(said[2]!) : null;
}

/** The cause where a file was missing: it is there and wasn't sent, or it is nowhere. */
export function describeMissing(run: RunDetails, name: string, there: boolean, trans: TranslationBundle): string {
  const short = name.length > 50 ? `…${name.slice(-49)}` : name;
  const reader = run.failure?.cell ? ` ${trans.__('Cell %1 reads it.', run.failure.cell)}` : '';
  return there
    ? trans.__('FileNotFoundError: %1 was not in the code tarball.', short) + reader
    : trans.__('FileNotFoundError: %1 doesn’t exist here either.', short) + reader;
}

/** The cause of its existence. */
export function describeTrigger(run: Run, trans: TranslationBundle): string {
  const names: Record<Run['trigger'], string> = {
    schedule: trans.__('by schedule'),
    manual: trans.__('manual'),
    backfill: trans.__('backfill'),
    retry: trans.__('retry'),
    rehearsal: trans.__('rehearsal')
  };
  return names[run.trigger];
}

export interface Step {
  key: string;
  icon: Icon;
  role: Role;
  words: string;
  /** seconds, where known */
  seconds: number | null;
}

/** The steps so far, in order; one that a failure prevented is named. */
export function listSteps(run: RunDetails, reader: Reader): Step[] {
  if (run.status === 'skipped') {
    return [];
  }
  return [describeStart(run, reader), describeWork(run, reader), describePublication(run, reader)].filter(
    step => step !== null
  );
}

function describeStart(run: RunDetails, reader: Reader): Step {
  const { trans, now } = reader;
  if (run.started_at) {
    const words = trans._n('Started worker', 'Started worker, attempt %1', Math.max(1, run.attempts.length));
    return {
      key: 'start',
      icon: 'succeeded',
      role: 'success',
      words,
      seconds: secondsBetween(run.created_at, run.started_at)
    };
  }
  const open = isOpen(run);
  if (run.status === 'due') {
    return { key: 'start', icon: 'waiting', role: 'muted', words: describeState(run, reader).words, seconds: null };
  }
  const words = open ? trans.__('Starting worker') : trans.__('The worker didn’t start');
  const due = Math.max(Date.parse(run.created_at), Date.parse(run.scheduled_for));
  const seconds = open ? Math.max(0, (now - due) / 1000) : null;
  return { key: 'start', icon: open ? 'launching' : 'failed', role: open ? 'info' : 'error', words, seconds };
}

function describeWork(run: RunDetails, reader: Reader): Step | null {
  const { trans, now } = reader;
  if (!run.started_at) {
    return null;
  }
  const [done, all] = run.progress ?? [0, 0];
  const cells = all ? ` ${trans.__('(%1 of %2 cells)', done, all)}` : '';
  if (run.status === 'running' || run.status === 'launching') {
    const seconds = Math.max(0, (now - Date.parse(run.started_at)) / 1000);
    return { key: 'run', icon: 'running', role: 'info', words: trans.__('Running') + cells, seconds };
  }
  const fine = run.status === 'succeeded' || run.status === 'publishing' || run.reason === 'publishing';
  const state = describeState(run, reader);
  return {
    key: 'run',
    icon: fine ? 'succeeded' : state.icon,
    role: fine ? 'success' : state.role,
    words: fine ? trans.__('Ran') : state.words,
    seconds: run.seconds
  };
}

function describePublication(run: RunDetails, { trans }: Reader): Step | null {
  const count = run.publication?.files.length ?? 0;
  const step = { key: 'publish', seconds: null };
  if (run.status === 'publishing') {
    return { ...step, icon: 'publishing', role: 'info', words: trans.__('Publishing') };
  }
  if (run.status === 'succeeded') {
    return run.publication
      ? {
          ...step,
          icon: 'succeeded',
          role: 'success',
          words: trans._n('Published %1 file', 'Published %1 files', count)
        }
      : { ...step, icon: 'skipped', role: 'muted', words: trans.__('Nothing to publish') };
  }
  if (isOpen(run)) {
    return null;
  }
  return run.reason === 'publishing'
    ? { ...step, icon: 'failed', role: 'error', words: trans.__('Publishing failed') }
    : { ...step, icon: 'skipped', role: 'muted', words: trans.__('Published nothing') };
}

/** The time that it took, beside the usual when that differs by more than half. */
export function describeDuration(run: RunDetails, trans: TranslationBundle): string {
  if (run.seconds === null) {
    return '';
  }
  const usual = run.usual_seconds;
  const unusual = usual !== null && usual > 0 && Math.abs(run.seconds - usual) > usual / 2;
  return unusual
    ? trans.__('%1, usually %2', formatDuration(run.seconds), formatDuration(usual))
    : formatDuration(run.seconds);
}

/** Text without terminal escape codes and without the other signs that steer a terminal. */
export function stripControls(text: string): string {
  return text.replace(ESCAPES, '').replace(CONTROLS, '');
}

/** A log as a terminal would leave it: a line that was drawn over and over is there once. */
export function renderLog(log: string): string {
  return stripControls(log.replace(/\r+\n/g, '\n'))
    .split('\n')
    .map(line => line.slice(line.lastIndexOf('\r', line.length - 2) + 1).replace(/\r$/, ''))
    .join('\n');
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}

/** Where a person looks at what stands at a stable address: object stores show no folders, so there its page. */
export function findPage(stable: string): string {
  return /^https?:/.test(stable) ? stable.replace(/\/data\/$/, '/index.html') : stable;
}
