import { describe, expect, it } from 'vitest';

import type { View } from '../../src/model/views';
import { fromFragment, resolveBeside, toFragment } from '../../src/model/views';

describe('A view', () => {
  it.each<View>([
    { at: 'list' },
    { at: 'list', chip: 'failing' },
    { at: 'history', schedule: 'a.b' },
    { at: 'run', run: '6f1c' },
    { at: 'form', notebook: 'a b/ü%.ipynb' },
    { at: 'form', notebook: null, tarball: true },
    { at: 'form', notebook: null, schedule: 'bikes' }
  ])('%j can be copied as a link', view => {
    expect(fromFragment(toFragment(view))).toEqual(view);
  });

  it.each(['', 'nonsense', 'run/', 'list/nothing', 'schedule/%E0%A4%A'])(
    'the fragment “%s” means the list',
    fragment => {
      expect(fromFragment(fragment)).toEqual({ at: 'list' });
    }
  );
});

describe('A file that a notebook names', () => {
  it.each([
    ['a.csv', 'reports/a.csv'],
    ['./a.csv', 'reports/a.csv'],
    ['../data//a.csv', 'data/a.csv'],
    ['../../a.csv', null],
    ['/etc/passwd', null],
    ['~/a.csv', null],
    ['..', null]
  ])('%s is below Jupyter’s root, or nowhere', (name, path) => {
    expect(resolveBeside('reports/bikes.ipynb', name)).toBe(path);
  });
});
