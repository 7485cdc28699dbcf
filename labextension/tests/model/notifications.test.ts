/** Notifications that a schedule asks for, and those that the page shows. */
import { describe, expect, it } from 'vitest';

import { NOTIFICATION_EVENTS, unite, toggle, takeUntold, describeSuccess } from '../../src/model/notifications';
import { run } from '../support/factories';
import { english as trans } from '../../src/model/translation';

describe('picks', () => {
  it('keep the order in which they are offered', () => {
    expect(toggle(NOTIFICATION_EVENTS, ['silence'], 'failure', true)).toEqual(['failure', 'silence']);
    expect(toggle(NOTIFICATION_EVENTS, ['failure', 'silence'], 'failure', false)).toEqual(['silence']);
  });

  it('still show a channel that is gone, so that it can be dropped', () => {
    expect(unite(['ops'], ['ops', 'gone'])).toEqual(['ops', 'gone']);
  });
});

describe('a success', () => {
  const at = (hour: number, status: 'succeeded' | 'failed' | 'timed_out' | 'skipped' | 'running') =>
    run({
      run_id: `run-${hour}`,
      status,
      seconds: 6,
      ended_at: status === 'running' ? null : `2026-11-24T${String(hour).padStart(2, '0')}:00:00Z`
    });
  const told = (...before: ReturnType<typeof at>[]) =>
    describeSuccess('bikes', [at(9, 'succeeded'), ...before], 'run-9', trans);

  it.each([
    ['is the first', [], 'bikes ran for the first time, 6.0 s.'],
    ['is the first after failures', [at(8, 'failed')], 'bikes ran for the first time, 6.0 s.'],
    ['follows a success', [at(8, 'succeeded')], null],
    ['follows a failure', [at(8, 'failed'), at(7, 'succeeded')], 'bikes succeeded again.'],
    ['follows a time-out', [at(8, 'timed_out'), at(7, 'succeeded')], 'bikes succeeded again.'],
    [
      'follows a failure before what was skipped',
      [at(8, 'skipped'), at(7, 'failed'), at(6, 'succeeded')],
      'bikes succeeded again.'
    ],
    ['stands beside one that is going', [at(8, 'running'), at(7, 'succeeded')], null]
  ])('that %s', (_, before, news) => {
    expect(told(...before)).toBe(news);
  });

  it('that isn’t among the last ones is no news', () => {
    expect(describeSuccess('bikes', [at(8, 'succeeded')], 'run-9', trans)).toBeNull();
  });
});

describe('words of a run that reached nobody', () => {
  const word = (channel: string, run_id = 'run-9') => ({
    ...{ schedule: 'bikes', run_id, occasion: 'failure' as const, channel, created_at: '2026-11-23T10:00:00Z' },
    ...{ attempts: 7, given_up: true, trouble: '403 Forbidden' }
  });

  it('are told each once, whichever was given up last', () => {
    const told = new Set<string>();
    const channels = (...all: ReturnType<typeof word>[]) =>
      takeUntold(all, 'run-9', told).map(({ channel }) => channel);
    expect(channels(word('ops'), word('other', 'run-8'))).toEqual(['ops']);
    expect(channels(word('ops'), word('team'))).toEqual(['team']);
    expect(channels(word('ops'), word('team'))).toEqual([]);
  });
});
