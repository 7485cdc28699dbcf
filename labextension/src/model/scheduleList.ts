/** The list of schedules: what is wrong first, and only what was asked for. */
import type { Run, Schedule } from '../api/schemas';
import type { Icon, Reader, Role } from './runs';
import { needsALook, isOpen, findNewest, findTime, describeState } from './runs';

export type Chip = 'all' | 'failing' | 'running' | 'paused';
export const CHIPS: Chip[] = ['all', 'failing', 'running', 'paused'];

/** True when the schedule belongs under the chip. */
export function matchesChip(chip: Chip, schedule: Schedule): boolean {
  switch (chip) {
    case 'all':
      return true;
    case 'failing':
      return isFailing(schedule);
    case 'running':
      return schedule.last_runs.some(isOpen);
    case 'paused':
      return schedule.state === 'paused';
  }
}

/** True when it goes on and its last run that ended, ended badly; a skipped one says nothing about that. */
function isFailing(schedule: Schedule): boolean {
  if (schedule.state === 'ended') {
    return false;
  }
  const ended = schedule.last_runs.find(run => !isOpen(run) && run.status !== 'skipped');
  return ended !== undefined && needsALook(ended);
}

/** The number of schedules under each chip. */
export function countByChip(schedules: readonly Schedule[]): Record<Chip, number> {
  const count = (chip: Chip) => schedules.filter(schedule => matchesChip(chip, schedule)).length;
  return { all: schedules.length, failing: count('failing'), running: count('running'), paused: count('paused') };
}

/** Those under the chip whose name or notebook has all words of `filter`: failing, then running, then by next time. */
export function selectSchedules(schedules: readonly Schedule[], chip: Chip, filter: string): Schedule[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (schedule: Schedule) => {
    const text = `${schedule.name} ${schedule.form.notebook ?? ''}`.toLowerCase();
    return words.every(word => text.includes(word));
  };
  return schedules
    .filter(schedule => schedule.state !== 'deleted' && matchesChip(chip, schedule) && matches(schedule))
    .sort((one, other) => rank(one) - rank(other) || next(one) - next(other) || (one.name < other.name ? -1 : 1));
}

function rank(schedule: Schedule): number {
  if (isFailing(schedule)) {
    return 0;
  }
  const latest = findNewest(schedule);
  return latest && isOpen(latest) ? 1 : 2;
}

function next(schedule: Schedule): number {
  return schedule.next_due ? Date.parse(schedule.next_due) : Number.MAX_SAFE_INTEGER;
}

/** One mark of a strip of runs; `height` is 0 to 1. */
export interface Mark {
  run: Run;
  icon: Icon;
  role: Role;
  height: number;
  label: string;
}

/** The newest `most` runs as marks, the oldest first; a mark's height is its duration, with room above the usual one. */
export function drawMarks(runs: readonly Run[], most: number, reader: Reader): Mark[] {
  const last = runs.slice(0, most).reverse();
  const usual = median(last.flatMap(run => (run.status === 'succeeded' && run.seconds !== null ? [run.seconds] : [])));
  return last.map(run => {
    const { icon, role, words } = describeState(run, reader);
    const height = run.seconds === null || !usual ? 0.35 : Math.min(1, Math.max(0.25, (0.6 * run.seconds) / usual));
    return { run, icon, role, height, label: `${reader.clock.full(findTime(run))}: ${words}` };
  });
}

/** The strip for those who don't see it: `Last 10 runs: 9 succeeded, latest failed`. */
export function describeStrip(runs: readonly Run[], most: number, reader: Reader): string {
  const last = runs.slice(0, most);
  const good = last.filter(run => run.status === 'succeeded').length;
  const latest = last[0];
  if (!latest) {
    return reader.trans.__('No runs yet');
  }
  const words = describeState(latest, reader).words.toLowerCase();
  if (last.length === 1) {
    return reader.trans.__('One run: %1', words);
  }
  return reader.trans.__('Last %1 runs: %2 succeeded, latest %3', last.length, good, words);
}

function median(values: number[]): number | undefined {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
