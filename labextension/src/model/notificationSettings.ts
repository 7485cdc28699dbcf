/** Who is told of what, as fields of the form. */
import type { Form } from '../api/schemas';
import type { Trans } from './translation';

export type Notify = Form['notify'];
export type Occasion = Notify['on'][number];

/** In the order in which they are offered. */
export const OCCASIONS: Occasion[] = ['failure', 'time_out', 'recovery', 'first_success', 'auto_pause', 'silence'];

/** What they are called. */
export function occasionLabels(trans: Trans): Record<Occasion, string> {
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
export function offered(channels: readonly string[], picked: readonly string[]): string[] {
  return [...new Set([...channels, ...picked])];
}

/** `all` in its order, with `one` among it or not. */
export function toggled<T>(all: readonly T[], picked: readonly T[], one: T, on: boolean): T[] {
  return all.filter(each => (each === one ? on : picked.includes(each)));
}
