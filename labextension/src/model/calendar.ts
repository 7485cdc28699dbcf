/**
 * A month of a schedule's days: how it is laid out, what each day says, and which of them are picked.
 *
 * Days are texts, YYYY-MM-DD, of the schedule's zone; the server says what became of them.
 */
import type { Calendar, CalendarDay, BackfillResult } from '../api/schemas';
import type { Icon, Role } from './runs';
import type { Clock } from './time';
import type { TranslationBundle } from './translation';

const DAY = 86_400_000;

export type DayState = CalendarDay['state'];

/** The days that are picked, both included. */
export interface DayRange {
  from: string;
  to: string;
}

const LOOKS: Record<DayState, [Icon, Role]> = {
  succeeded: ['succeeded', 'success'],
  failed: ['failed', 'error'],
  missed: ['skipped', 'warning'],
  skipped: ['skipped', 'muted'],
  stopped: ['stopped', 'muted'],
  going: ['running', 'info'],
  not_run: ['waiting', 'muted'],
  not_yet: ['waiting', 'muted']
};

/** In the order of a legend. */
export const STATES = Object.keys(LOOKS) as DayState[];

export function findLook(state: DayState): { icon: Icon; role: Role } {
  const [icon, role] = LOOKS[state];
  return { icon, role };
}

export function nameState(state: DayState, trans: TranslationBundle): string {
  const words: Record<DayState, string> = {
    succeeded: trans.__('Succeeded'),
    failed: trans.__('Failed'),
    missed: trans.__('Missed'),
    skipped: trans.__('Skipped'),
    stopped: trans.__('Stopped'),
    going: trans.__('Waits or runs'),
    not_run: trans.__('Not run'),
    not_yet: trans.__('Not yet')
  };
  return words[state];
}

/** The day so many days later. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
}

/** The first day of the month that is so many months later. */
export function addMonths(day: string, months: number): string {
  const [year, month] = day.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
}

/** The last day of a day's month. */
export function endOfMonth(day: string): string {
  return addDays(addMonths(day, 1), -1);
}

/** The weeks of a day's month, Monday first; null where a week reaches into another month. */
export function layOutWeeks(day: string): Array<Array<string | null>> {
  const first = addMonths(day, 0);
  const last = endOfMonth(day);
  const weeks: Array<Array<string | null>> = [];
  for (let monday = addDays(first, -weekday(first)); monday <= last; monday = addDays(monday, 7)) {
    weeks.push(
      Array.from({ length: 7 }, (_, place) => addDays(monday, place)).map(one =>
        one < first || one > last ? null : one
      )
    );
  }
  return weeks;
}

/** 0 for Monday. */
export function weekday(day: string): number {
  return (new Date(day).getUTCDay() + 6) % 7;
}

/**
 * The days that are picked after `day` was: it alone, the stretch from the one day that was picked, or nothing when it was that
 * one.  `extend` (a shift key) always makes a stretch.  Days that are still to come can't be picked.
 */
export function pick(picked: DayRange | null, day: string, today: string, extend = false): DayRange | null {
  if (day > today) {
    return picked;
  }
  const single = picked !== null && picked.from === picked.to;
  if (picked === null || !(single || extend)) {
    return { from: day, to: day };
  }
  if (single && day === picked.from && !extend) {
    return null;
  }
  return day < picked.from ? { from: day, to: extend ? picked.to : picked.from } : { from: picked.from, to: day };
}

export function isPicked(picked: DayRange | null, day: string): boolean {
  return picked !== null && picked.from <= day && day <= picked.to;
}

/** True when the range can be asked for: both days are there, in order, and begin before tomorrow. */
export function isRange(picked: DayRange | null, today: string): picked is DayRange {
  return picked !== null && picked.from !== '' && picked.to !== '' && picked.from <= picked.to && picked.from <= today;
}

/** The day to which a key leads from `day`; undefined for a key that leads nowhere. */
export function stepByKey(key: string, day: string): string | undefined {
  const days: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -7,
    ArrowDown: 7,
    Home: -weekday(day),
    End: 6 - weekday(day)
  };
  if (key in days) {
    return addDays(day, days[key]!);
  }
  const months: Record<string, number> = { PageUp: -1, PageDown: 1 };
  if (!(key in months)) {
    return undefined;
  }
  const month = addMonths(day, months[key]!);
  const same = `${month.slice(0, 8)}${day.slice(8)}`;
  return same <= endOfMonth(month) ? same : endOfMonth(month);
}

/** `Mon 23 Nov: Failed, 2 of 24 times; 22 succeeded`; of a day on which it isn't due only the date. */
export function describeDay(
  day: string,
  told: CalendarDay | undefined,
  clock: Clock,
  trans: TranslationBundle
): string {
  const date = clock.date(day, 'UTC');
  if (!told) {
    return trans.__('%1: not due', date);
  }
  const counts = STATES.flatMap(state => (told.counts[state] ? [{ state, count: told.counts[state] }] : []));
  const due = counts.reduce((sum, { count }) => sum + count, 0);
  if (due === 1) {
    return `${date}: ${nameState(told.state, trans)}`;
  }
  return `${date}: ${counts.map(({ state, count }) => `${count} ${nameState(state, trans).toLowerCase()}`).join(', ')}`;
}

/** The states that the month's days have, for the legend. */
export function listStates(days: readonly CalendarDay[]): DayState[] {
  return STATES.filter(state => days.some(day => day.state === state));
}

/** The plan of a backfill in words: how many runs, in which order, how many in parallel, and what is left as it is. */
export function describePlan(plan: BackfillResult, parallel: number, clock: Clock, trans: TranslationBundle): string {
  const left = [];
  if (plan.succeeded > 0) {
    left.push(trans._n('%1 has succeeded', '%1 have succeeded', plan.succeeded));
  }
  if (plan.waiting > 0) {
    left.push(trans._n('%1 waits or runs already', '%1 wait or run already', plan.waiting));
  }
  const rest = left.length > 0 ? ` ${trans.__('Left as they are: %1.', left.join(trans.__(' and ')))}` : '';
  if (plan.runs === 0 || !plan.first || !plan.last) {
    return trans.__('Nothing to run.') + rest;
  }
  if (plan.runs === 1) {
    return trans.__('1 run, for %1.', clock.full(plan.first)) + rest;
  }
  const pace = parallel > 1 ? trans.__('%1 in parallel', parallel) : trans.__('one after another');
  const runs = plan.runs.toLocaleString('en');
  return (
    trans.__(
      '%1 runs, the oldest first, %2: from %3 to %4.',
      runs,
      pace,
      clock.full(plan.first),
      clock.full(plan.last)
    ) + rest
  );
}

/** The progress of the backfills in words; null when none is under way. */
export function describeProgress({ asked, waiting, going }: Calendar, trans: TranslationBundle): string | null {
  if (waiting + going === 0) {
    return null;
  }
  return trans.__(
    '%1 of %2 past runs done, %3 running',
    (asked - waiting - going).toLocaleString('en'),
    asked.toLocaleString('en'),
    going
  );
}
