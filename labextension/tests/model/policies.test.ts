import { describe, expect, it } from 'vitest';

import { utcDay, withDay, withNumber } from '../../src/model/policies';
import { form } from '../support/factories';

const none = form().policies;

describe('A policy', () => {
  it('of a day includes the whole day, and reads as that day again', () => {
    const bounded = withDay(withDay(none, 'start', '2026-12-01'), 'end', '2026-12-24');
    expect([bounded.start, bounded.end]).toEqual(['2026-12-01T00:00:00Z', '2026-12-24T23:59:59Z']);
    expect(utcDay(bounded.end)).toBe('2026-12-24');
    expect(withDay(bounded, 'end', '').end).toBeNull();
  });

  it('of a number takes digits only, and none where it is empty', () => {
    expect(withNumber(none, 'max_runs', '1x2').max_runs).toBe(12);
    expect(withNumber(none, 'max_runs', '').max_runs).toBeNull();
    expect(withNumber(none, 'retries', '').retries).toBe(0);
  });
});
