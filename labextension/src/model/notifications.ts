/** Which successes are news, and which words that reached nobody. */
import type { Run, Undelivered } from '../api/schemas';
import { duration } from './time';
import type { Trans } from './translation';

/** What a success is told with; null when it is none of the last runs, or nothing new. */
export function successNews(name: string, last: readonly Run[], id: string, trans: Trans): string | null {
  const run = last.find(({ run_id }) => run_id === id);
  if (!run) {
    return null;
  }
  const before = last.filter(({ run_id, ended_at }) => run_id !== id && ended_at);
  if (!before.some(({ status }) => status === 'succeeded')) {
    return trans.__('%1 ran for the first time, %2.', name, duration(run.seconds ?? 0));
  }
  const [newest] = before
    .filter(({ status }) => ['succeeded', 'failed', 'timed_out'].includes(status))
    .sort((one, other) => (one.ended_at! < other.ended_at! ? 1 : -1));
  return newest?.status === 'succeeded' ? null : trans.__('%1 succeeded again.', name);
}

/** The words about a run that reached nobody and aren't among `told`, to which they are added: several are given up at once. */
export function lostNews(undelivered: readonly Undelivered[], run: string, told: Set<string>): Undelivered[] {
  const fresh = undelivered.filter(word => word.run_id === run && !told.has(keyOf(word)));
  fresh.forEach(word => told.add(keyOf(word)));
  return fresh;
}

function keyOf({ run_id, channel, occasion }: Undelivered): string {
  return `${run_id} ${channel} ${occasion}`;
}
