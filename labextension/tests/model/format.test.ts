import { expect, it } from 'vitest';

import { formatDollars } from '../../src/model/format';

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
