import { expect, it } from 'vitest';

import { formatDollars, formatDuration, formatSize } from '../../src/model/format';

it.each([
  [0.42, '0.4 s'],
  [9.96, '10 s'],
  [119, '119 s'],
  [240, '4 min'],
  [7500, '2 h 5 min'],
  [7200, '2 h']
])('%d seconds are written %s', (seconds, words) => {
  expect(formatDuration(seconds)).toBe(words);
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [17_000, '17 kB'],
  [999_600, '1.0 MB'],
  [1_200_000_000, '1.2 GB']
])('%d bytes are written %s', (bytes, words) => {
  expect(formatSize(bytes)).toBe(words);
});

it.each([
  ['0', '$0.00'],
  ['0.01', '$0.01'],
  ['0.0041', '$0.004'],
  ['0.000001', '$0.000001'],
  ['12.5', '$12.50'],
  ['1234567.891', '$1,234,567.89']
])('%s dollars are %s', (amount, text) => {
  expect(formatDollars(amount)).toBe(text);
});
