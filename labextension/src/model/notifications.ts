/** Notifications: those that a schedule asks for, as fields of the form; and those that the page shows by itself. */
import type { FailedNotification, Form, Run } from '../api/schemas';
import { formatDuration } from './format';
import type { TranslationBundle } from './translation';

export type NotificationSettings = Form['notify'];
export type NotificationEvent = NotificationSettings['on'][number];

/** In the order in which they are offered. */
export const NOTIFICATION_EVENTS: NotificationEvent[] = [
  'failure',
  'time_out',
  'recovery',
  'first_success',
  'auto_pause',
  'silence'
];

/** The labels of the events. */
export function eventLabels(trans: TranslationBundle): Record<NotificationEvent, string> {
  return {
    failure: trans.__('It failed'),
    time_out: trans.__('It took too long'),
    recovery: trans.__('It succeeded again'),
    first_success: trans.__('It succeeded for the first time'),
    auto_pause: trans.__('It paused itself'),
    silence: trans.__('Nothing was published in time')
  };
}

/** The operator's channels, and those that were picked and are gone since, which can only be dropped. */
export function unite(channels: readonly string[], picked: readonly string[]): string[] {
  return [...new Set([...channels, ...picked])];
}

/** `all` in its order, with `one` among it or not. */
export function toggle<T>(all: readonly T[], picked: readonly T[], one: T, on: boolean): T[] {
  return all.filter(each => (each === one ? on : picked.includes(each)));
}

/** The sentence for a success; null when it is none of the last runs, or nothing new. */
export function describeSuccess(
  name: string,
  last: readonly Run[],
  id: string,
  trans: TranslationBundle
): string | null {
  const run = last.find(({ run_id }) => run_id === id);
  if (!run) {
    return null;
  }
  const before = last.filter(({ run_id, ended_at }) => run_id !== id && ended_at);
  if (!before.some(({ status }) => status === 'succeeded')) {
    return trans.__('%1 ran for the first time, %2.', name, formatDuration(run.seconds ?? 0));
  }
  const [newest] = before
    .filter(({ status }) => ['succeeded', 'failed', 'timed_out'].includes(status))
    .sort((one, other) => (one.ended_at! < other.ended_at! ? 1 : -1));
  return newest?.status === 'succeeded' ? null : trans.__('%1 succeeded again.', name);
}

/** The notifications of a run that reached nobody and aren't among `told`, to which they are added: several are given up at once. */
export function takeUntold(
  undelivered: readonly FailedNotification[],
  run: string,
  told: Set<string>
): FailedNotification[] {
  const fresh = undelivered.filter(one => one.run_id === run && !told.has(keyOf(one)));
  fresh.forEach(one => told.add(keyOf(one)));
  return fresh;
}

function keyOf({ run_id, channel, occasion }: FailedNotification): string {
  return `${run_id} ${channel} ${occasion}`;
}
