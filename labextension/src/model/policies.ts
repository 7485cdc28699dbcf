/** A schedule's policies as fields of the form. */
import type { Form } from '../api/schemas';
import type { TranslationBundle } from './translation';

export type Policies = Form['policies'];
/** those behind the fold; the cap stands beside what it is about */
export type Policy = Exclude<keyof Policies, 'monthly_cap'>;

/** In the order in which they are asked for. */
export const POLICIES = [
  ...(['start', 'end', 'max_runs', 'start_deadline', 'retries', 'retry_wait', 'pause_after'] as const),
  ...(['keep_runs', 'keep_days'] as const)
] as const satisfies Policy[];

/** The day of an instant in UTC, as an input of type date has it. */
export function utcDay(instant: string | null | undefined): string {
  return instant?.slice(0, 10) ?? '';
}

/** With another first or last day, the whole of it included. */
export function withDay(policies: Policies, name: 'start' | 'end', day: string): Policies {
  return { ...policies, [name]: day ? `${day}T${name === 'start' ? '00:00:00' : '23:59:59'}Z` : null };
}

/** With another number; what isn't one is left out, and an empty field says that there is no limit. */
export function withNumber(policies: Policies, name: Exclude<Policy, 'start' | 'end'>, text: string): Policies {
  const digits = text.replace(/\D/g, '').slice(0, 6);
  const none = name === 'retries' || name === 'retry_wait' ? 0 : null;
  return { ...policies, [name]: digits ? Number(digits) : none };
}

/** The label of each field, and the line below it. */
export function policyLabels(trans: TranslationBundle): Record<Policy, { label: string; help: string }> {
  const words = (label: string, help: string) => ({ label, help });
  return {
    start: words(trans.__('First day (UTC)'), trans.__('First day it may run. Leave empty to start now.')),
    end: words(trans.__('Last day (UTC)'), trans.__('Last day it may run. Leave empty for no end.')),
    max_runs: words(trans.__('Number of runs'), trans.__('Due so many times in all. Empty: no limit.')),
    start_deadline: words(
      trans.__('Start within (minutes)'),
      trans.__('A run that can’t start so soon after its time is skipped. Empty: it waits.')
    ),
    retries: words(trans.__('Retries'), trans.__('When the code fails; a time-out is never tried again.')),
    retry_wait: words(
      trans.__('Wait before the first retry (minutes)'),
      trans.__('Twice as long before each that follows.')
    ),
    pause_after: words(
      trans.__('Pause after failures in a row'),
      trans.__('It stays paused until you resume it. Empty: never.')
    ),
    keep_runs: words(
      trans.__('How many runs’ files to keep'),
      trans.__('The last successful run is always kept. Default: 30.')
    ),
    keep_days: words(
      trans.__('Keep the files of all runs for days'),
      trans.__('Older ones go, except the last ones. What is at the stable address stays. Empty: mostly 90.')
    )
  };
}

/** The overlap policies, as the form calls them. */
export function overlapLabels(trans: TranslationBundle): Record<Form['overlap'], string> {
  return {
    queue_one: trans.__('Wait, then run'),
    skip: trans.__('Skip this time'),
    allow: trans.__('Run both'),
    cancel_previous: trans.__('Stop the old one')
  };
}
