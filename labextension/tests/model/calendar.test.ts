import { describe, expect, it } from 'vitest';

import type { BackfillResult, Calendar, CalendarDay } from '../../src/api/schemas';
import type { DayState, DayRange } from '../../src/model/calendar';
import {
  isRange,
  describeDay,
  addDays,
  listStates,
  findLook,
  endOfMonth,
  addMonths,
  pick,
  describePlan,
  describeProgress,
  STATES,
  stepByKey,
  layOutWeeks,
  nameState
} from '../../src/model/calendar';
import { Clock } from '../../src/model/time';
import { english } from '../../src/model/translation';
import { day } from '../support/factories';

const TODAY = '2026-11-24';
const clock = new Clock('Europe/Paris', 'en', english);

function plan(changes: Partial<BackfillResult> = {}): BackfillResult {
  return {
    runs: 42,
    succeeded: 0,
    waiting: 0,
    first: '2026-10-01T12:00:00Z',
    last: '2026-11-11T12:00:00Z',
    confirm: false,
    ...changes
  };
}

describe('A month', () => {
  it.each([
    ['2026-11-24', 6, '2026-11-01', 6],
    ['2027-02-10', 4, '2027-02-01', 0],
    ['2026-08-31', 6, '2026-08-01', 5]
  ])('of %s has %i weeks, Monday first', (within, weeks, first, place) => {
    const laid = layOutWeeks(within);
    expect(laid).toHaveLength(weeks);
    expect(laid[0]!.indexOf(first)).toBe(place);
    expect(laid.flat().filter(Boolean)).toHaveLength(Number(endOfMonth(within).slice(8)));
  });

  it('ends on its last day, also in leap years', () => {
    expect(['2026-02-10', '2028-02-01', '2026-12-31'].map(endOfMonth)).toEqual([
      '2026-02-28',
      '2028-02-29',
      '2026-12-31'
    ]);
  });

  it('is followed by the next one, also into another year', () => {
    expect([addMonths('2026-12-31', 1), addMonths('2026-01-15', -1)]).toEqual(['2027-01-01', '2025-12-01']);
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
  });
});

describe('Picking', () => {
  const one = (day: string): DayRange => ({ from: day, to: day });
  it.each<[string, DayRange | null, string, boolean, DayRange | null]>([
    ['a first day', null, '2026-11-10', false, one('2026-11-10')],
    ['a later one makes a stretch', one('2026-11-10'), '2026-11-12', false, { from: '2026-11-10', to: '2026-11-12' }],
    ['an earlier one too', one('2026-11-10'), '2026-11-02', false, { from: '2026-11-02', to: '2026-11-10' }],
    ['the same again picks none', one('2026-11-10'), '2026-11-10', false, null],
    ['a third day starts anew', { from: '2026-11-02', to: '2026-11-10' }, '2026-11-04', false, one('2026-11-04')],
    [
      'Shift moves the end',
      { from: '2026-11-02', to: '2026-11-10' },
      '2026-11-12',
      true,
      { from: '2026-11-02', to: '2026-11-12' }
    ],
    [
      'Shift moves the start',
      { from: '2026-11-02', to: '2026-11-10' },
      '2026-11-01',
      true,
      { from: '2026-11-01', to: '2026-11-10' }
    ],
    [
      'Shift shrinks it',
      { from: '2026-11-02', to: '2026-11-10' },
      '2026-11-04',
      true,
      { from: '2026-11-02', to: '2026-11-04' }
    ],
    ['today can be picked', null, TODAY, false, one(TODAY)],
    ['tomorrow can’t', one('2026-11-10'), '2026-11-25', false, one('2026-11-10')]
  ])('%s', (_, before, day, shift, after) => {
    expect(pick(before, day, TODAY, shift)).toEqual(after);
  });

  it.each<[DayRange | null, boolean]>([
    [null, false],
    [one(TODAY), true],
    [{ from: '', to: TODAY }, false],
    [{ from: TODAY, to: '' }, false],
    [{ from: '2026-11-10', to: '2026-11-09' }, false],
    [{ from: '1999-01-01', to: '2099-01-01' }, true],
    [one('2026-11-25'), false]
  ])('%j is a range: %s', (picked, is) => {
    expect(isRange(picked, TODAY)).toBe(is);
  });
});

describe('A key', () => {
  it.each([
    ['ArrowLeft', '2026-11-01', '2026-10-31'],
    ['ArrowRight', '2026-11-30', '2026-12-01'],
    ['ArrowUp', '2026-11-24', '2026-11-17'],
    ['ArrowDown', '2026-11-24', '2026-12-01'],
    ['Home', '2026-11-24', '2026-11-23'],
    ['End', '2026-11-24', '2026-11-29'],
    ['PageUp', '2026-03-31', '2026-02-28'],
    ['PageDown', '2026-11-24', '2026-12-24'],
    ['x', '2026-11-24', undefined]
  ])('%s leads from %s to %s', (key, from, to) => {
    expect(stepByKey(key, from)).toBe(to);
  });
});

describe('A day', () => {
  it.each(STATES.map(state => [state] as [DayState]))('that is %s has an icon, a colour and a word', state => {
    expect(findLook(state).icon).toBeTruthy();
    expect(describeDay('2026-11-23', day('2026-11-23', state), clock, english)).toBe(
      `Mon 23 Nov: ${nameState(state, english)}`
    );
  });

  it('with several times counts them', () => {
    const told = day('2026-11-23', 'failed', { counts: { succeeded: 22, failed: 2 } });
    expect(describeDay('2026-11-23', told, clock, english)).toBe('Mon 23 Nov: 22 succeeded, 2 failed');
  });

  it('on which it isn’t due says so', () => {
    expect(describeDay('2026-11-22', undefined, clock, english)).toBe('Sun 22 Nov: not due');
  });

  it('is explained by the legend, each state once', () => {
    const days: CalendarDay[] = [
      day('2026-11-01', 'not_yet'),
      day('2026-11-02', 'succeeded'),
      day('2026-11-03', 'succeeded')
    ];
    expect(listStates(days)).toEqual(['succeeded', 'not_yet']);
  });
});

describe('What a backfill would do', () => {
  it.each<[Partial<BackfillResult>, number, string]>([
    [{}, 1, '42 runs, the oldest first, one after another: from Thu 1 Oct 14:00 to Wed 11 Nov 13:00.'],
    [{}, 3, '42 runs, the oldest first, 3 in parallel: from Thu 1 Oct 14:00 to Wed 11 Nov 13:00.'],
    [
      { runs: 10_000 },
      1,
      '10,000 runs, the oldest first, one after another: from Thu 1 Oct 14:00 to Wed 11 Nov 13:00.'
    ],
    [{ runs: 1, succeeded: 1 }, 1, '1 run, for Thu 1 Oct 14:00. Left as they are: 1 has succeeded.'],
    [
      { runs: 0, first: null, last: null, succeeded: 12, waiting: 3 },
      1,
      'Nothing to run. Left as they are: 12 have succeeded and 3 wait or run already.'
    ]
  ])('%j, %i in parallel', (changes, parallel, words) => {
    expect(describePlan(plan(changes), parallel, clock, english)).toBe(words);
  });

  it('and how it gets on', () => {
    const told = { asked: 60, waiting: 20, going: 3 } as Calendar;
    expect(describeProgress(told, english)).toBe('37 of 60 past runs done, 3 running');
    expect(describeProgress({ ...told, asked: 0, waiting: 0, going: 0 }, english)).toBeNull();
  });
});
