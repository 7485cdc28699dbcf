import { describe, expect, it } from 'vitest';

import type { Difference } from '../../src/api/schemas';
import { english } from '../../src/model/translation';
import { titleCell, describeDifference, chooseSides, markLine } from '../../src/model/versions';
import { cell, difference, version } from '../support/factories';

describe('What is compared first', () => {
  it.each([
    [3, true, { before: 3, after: null }],
    [3, false, { before: 2, after: 3 }],
    [1, false, { before: 1, after: 1 }]
  ])('of %i versions, with a notebook: %s', (count, notebook, sides) => {
    const versions = Array.from({ length: count }, (_, place) => version(count - place));
    expect(chooseSides(versions, notebook)).toEqual(sides);
  });
});

describe('A difference in one line', () => {
  it.each<[Partial<Difference>, string]>([
    [{ state: 'same' }, 'The notebook is as it was scheduled.'],
    [{ state: 'same', after: difference().before }, 'The code is the same.'],
    [{ state: 'none' }, 'There is no notebook here to compare with.'],
    [{ state: 'gone', message: 'a.ipynb isn’t there any more.' }, 'a.ipynb isn’t there any more.'],
    [{ cells: [cell()] }, '1 cell differs.'],
    [{ cells: [cell(), cell()], more: 5 }, '7 cells differ.'],
    [{ cells: [cell()], kernels: ['python3', 'r'] }, '1 cell differs, the kernel was python3 and is r.'],
    [{ files: [{ path: 'a.csv', kind: 'added' }] }, '1 other file differs.']
  ])('%#', (changes, words) => {
    expect(describeDifference(difference(changes), english)).toBe(words);
  });
});

describe('A cell’s title', () => {
  it.each([
    [cell(), 'Cell 2 changed'],
    [cell({ kind: 'added', number: 4 }), 'Cell 4 added'],
    [cell({ kind: 'removed', type: 'markdown', number: null }), 'Text removed'],
    [cell({ type: 'raw', number: null }), 'Raw cell changed'],
    [cell({ tags: ['', 'parameters'] }), 'Cell 2 changed; its tags were none and are parameters']
  ])('%#', (shown, words) => {
    expect(titleCell(shown, english)).toBe(words);
  });
});

it('A line’s sign says what its colour says', () => {
  expect(['added', 'removed', 'same'].map(markLine)).toEqual(['+', '-', ' ']);
});
