import { describe, expect, it } from 'vitest';

import { mergePatch } from '../../src/model/patch';

describe('A merge patch', () => {
  it.each([
    [{ a: 1, b: 2 }, { a: 1, b: 3 }, { b: 3 }],
    [{ f: { at: '12:00', tz: 'UTC' } }, { f: { at: '13:00', tz: 'UTC' } }, { f: { at: '13:00' } }],
    [{ files: ['a'] }, { files: ['a', 'b'] }, { files: ['a', 'b'] }],
    [{ p: { month: 3 } }, { p: {} }, { p: { month: null } }],
    [{ p: [1, { a: 2 }] }, { p: [1, { a: 2 }] }, {}]
  ])('from %j to %j is %j', (before, after, patch) => {
    expect(mergePatch(before, after)).toEqual(patch);
  });
});
