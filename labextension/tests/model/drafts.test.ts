import { describe, expect, it } from 'vitest';

import { Drafts } from '../../src/model/drafts';
import { createForm } from '../../src/model/form';
import { NOW } from '../support/factories';

describe('A draft', () => {
  const fresh = createForm('a.ipynb', NOW);

  it('is kept for its notebook and its server alone', () => {
    new Drafts('/one/').save('a.ipynb', { ...fresh, name: 'mine' });
    expect(new Drafts('/one/').load('a.ipynb', fresh)?.name).toBe('mine');
    expect(new Drafts('/one/').load('b.ipynb', fresh)).toBeNull();
    expect(new Drafts('/two/').load('a.ipynb', fresh)).toBeNull();
  });

  it('that lacks a field takes it from the fresh form', () => {
    localStorage.setItem('jupyter-schedule:draft:/:a.ipynb', JSON.stringify({ shape: 2, state: { name: 'old' } }));
    expect(new Drafts('/').load('a.ipynb', fresh)).toEqual({ ...fresh, name: 'old' });
  });

  it.each(['{', 'null', '{"shape":99,"state":{}}'])('that can’t be read (%s) is none', text => {
    localStorage.setItem('jupyter-schedule:draft:/:a.ipynb', text);
    expect(new Drafts('/').load('a.ipynb', fresh)).toBeNull();
  });

  it('is given up where the browser keeps nothing', () => {
    const full = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    const drafts = new Drafts('/', { getItem: full, setItem: full, removeItem: full });
    drafts.save('a.ipynb', fresh);
    drafts.drop('a.ipynb');
    expect(drafts.load('a.ipynb', fresh)).toBeNull();
  });
});
