import { describe, expect, it } from 'vitest';

import { Clock, dateIn } from '../../src/model/time';
import { english } from '../../src/model/translation';
import { NOW } from '../support/factories';

const paris = new Clock('Europe/Paris', 'en', english);
const utc = new Clock('UTC', 'en', english);

describe('A time is shown in the reader’s zone', () => {
  it('with weekday, day, month and clock', () => {
    expect(paris.full('2026-11-24T12:00:00Z')).toBe('Tue 24 Nov 13:00');
  });

  it('as a row of dates that say each month once', () => {
    const days = ['2026-11-28T12:00:00Z', '2026-11-30T12:00:00Z', '2026-12-01T12:00:00Z'];
    expect(paris.dates(days)).toEqual(['Sat 28', 'Mon 30 Nov', 'Tue 1 Dec']);
  });

  it('across a clock change', () => {
    expect(paris.time('2027-03-27T12:00:00Z')).toBe('13:00');
    expect(paris.time('2027-03-28T12:00:00Z')).toBe('14:00');
  });

  it.each([
    ['2026-11-23T22:59:00Z', 'today 23:59'],
    ['2026-11-23T23:00:00Z', 'tomorrow 00:00'],
    ['2026-11-25T12:00:00Z', 'Wed 25 Nov 13:00']
  ])('as an upcoming one: %s is %s', (instant, words) => {
    expect(paris.upcoming(instant, NOW)).toBe(words);
  });

  it.each([
    ['2026-11-23T11:00:00Z', 'just now'],
    ['2026-11-23T10:57:00Z', '3 min ago'],
    ['2026-11-23T09:00:00Z', '2 h ago'],
    ['2026-11-22T11:00:01Z', '24 h ago'],
    ['2026-11-22T11:00:00Z', 'Sun 22 Nov 12:00']
  ])('as a past one: %s is %s', (instant, words) => {
    expect(paris.past(instant, NOW)).toBe(words);
  });

  it.each([
    ['2026-11-23T10:00:00Z', 'now'],
    ['2026-11-23T11:00:20Z', 'in 20 s'],
    ['2026-11-23T11:03:00Z', 'in 3 min'],
    ['2026-11-24T12:00:00Z', 'Tue 24 Nov 13:00']
  ])('as one to wait for: %s is %s', (instant, words) => {
    expect(paris.ahead(instant, NOW)).toBe(words);
  });

  it('beside UTC, with the date where it is another', () => {
    expect(paris.both('2026-11-24T12:00:00Z')).toBe('Tue 24 Nov 13:00 Europe/Paris (12:00 UTC)');
    expect(paris.both('2026-11-24T23:30:00Z')).toBe('Wed 25 Nov 00:30 Europe/Paris (Tue 24 Nov 23:30 UTC)');
    expect(utc.both('2026-11-24T12:00:00Z')).toBe('Tue 24 Nov 12:00 UTC');
  });

  it('in the interface’s language', () => {
    expect(new Clock('Europe/Paris', 'fr_FR', english).date('2026-11-24T12:00:00Z')).toContain('nov.');
  });
});

it('A date is that of its zone', () => {
  expect(dateIn('Pacific/Auckland', Date.parse('2026-11-23T11:00:00Z'))).toBe('2026-11-24');
  expect(dateIn('UTC', NOW, 1)).toBe('2026-11-24');
});
