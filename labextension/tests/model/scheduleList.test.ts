import { describe, expect, it } from 'vitest';

import { countByChip, describeStrip, drawMarks, selectSchedules } from '../../src/model/scheduleList';
import { Clock } from '../../src/model/time';
import { english } from '../../src/model/translation';
import { NOW, failed, form, run, schedule } from '../support/factories';

const reader = { trans: english, clock: new Clock('Europe/Paris', 'en', english), now: NOW };

describe('The list', () => {
  const fine = schedule({ name: 'fine', next_due: '2026-11-24T12:00:00Z', last_runs: [run()] });
  const soon = schedule({ name: 'soon', next_due: '2026-11-23T12:00:00Z' });
  const going = schedule({ name: 'going', last_runs: [run({ status: 'running', ended_at: null })] });
  const broken = schedule({ name: 'broken', last_runs: [run({ status: 'skipped' }), failed()] });
  const paused = schedule({ name: 'paused', state: 'paused', next_due: null });
  const all = [fine, paused, soon, going, broken];

  it('has what fails first, then what runs, then what comes next', () => {
    expect(selectSchedules(all, 'all', '').map(({ name }) => name)).toEqual([
      'broken',
      'going',
      'soon',
      'fine',
      'paused'
    ]);
  });

  it('counts, and shows what a chip asks for', () => {
    expect(countByChip(all)).toEqual({ all: 5, failing: 1, running: 1, paused: 1 });
    expect(selectSchedules(all, 'running', '').map(({ name }) => name)).toEqual(['going']);
  });

  it('is filtered by all words, in the name or the notebook', () => {
    const other = schedule({ name: 'sql', form: form({ notebook: 'Team/Slow.ipynb' }) });
    expect(selectSchedules([...all, other], 'all', 'slow TEAM').map(({ name }) => name)).toEqual(['sql']);
  });

  it('draws runs from old to new, with room above the usual duration', () => {
    const runs = [
      run({ seconds: 10 }),
      run({ seconds: 1 }),
      failed({ seconds: 7200 }),
      run({ seconds: 10 }),
      run({ seconds: 12 })
    ];
    expect(drawMarks(runs, 4, reader).map(({ height }) => height)).toEqual([0.6, 1, 0.25, 0.6]);
  });

  it('says of each mark when and how', () => {
    const drawn = drawMarks([run({ seconds: 10 }), run({ seconds: 1 }), failed({ seconds: null })], 2, reader);
    expect(drawn[0]!.label).toBe('Mon 23 Nov 11:00: Succeeded in 1.0 s');
  });

  it('tells the strip in words', () => {
    expect(describeStrip([failed(), run(), run()], 10, reader)).toBe(
      'Last 3 runs: 2 succeeded, latest failed at cell 2 of 3'
    );
    expect(describeStrip([failed()], 10, reader)).toBe('One run: failed at cell 2 of 3');
    expect(describeStrip([], 10, reader)).toBe('No runs yet');
  });
});
