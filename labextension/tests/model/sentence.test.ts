import { describe, expect, it } from 'vitest';

import { splitSentence } from '../../src/model/sentence';
import { english } from '../../src/model/translation';
import { schedule } from '../support/factories';

describe('A sentence’s parts that can be changed', () => {
  const changeable = (changes: Parameters<typeof schedule>[0]) =>
    splitSentence(schedule(changes), english)
      .filter(({ patch }) => patch)
      .map(({ text, value, patch }) => [text, value, patch!('9')]);

  it('are the time of day and the time limit', () => {
    expect(changeable({})).toEqual([
      ['12:00 UTC', '12:00', { frequency: { at: '9' } }],
      ['2 h', '120', { timeout_minutes: 9 }]
    ]);
  });

  it('never the next time, which only looks like it', () => {
    const summary = 'Paused by you since Mon 23 Nov, would next run Tue 24 Nov 12:00 your time; stops after 2 h; x.';
    expect(changeable({ summary }).map(([text]) => text)).toEqual(['2 h']);
  });

  it('are none in a sentence that reads otherwise, which stays whole', () => {
    expect(splitSentence(schedule({ summary: 'Ended.' }), english)).toEqual([{ text: 'Ended.' }]);
  });
});
