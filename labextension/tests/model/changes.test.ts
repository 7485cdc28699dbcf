import { describe, expect, it } from 'vitest';

import { listChanges } from '../../src/model/changes';
import { english } from '../../src/model/translation';
import { form, schedule } from '../support/factories';

const before = schedule();
const after = (changes: Parameters<typeof form>[0], rest = {}) =>
  schedule({ form: form({ name: 'bikes', ...changes }), ...rest });

describe('What was changed elsewhere', () => {
  it('is told by the form’s own labels, with what was there before', () => {
    const frequency = { ...before.form.frequency, at: '06:30', kind: 'weekly' as const, days: ['Mon', 'Thu'] };
    expect(listChanges(before, after({ frequency, files: ['a.csv'], parameters: { month: 4 } }), english)).toEqual([
      { label: 'Schedule frequency', was: 'daily', now: 'weekly' },
      { label: 'Time of day', was: '12:00', now: '06:30' },
      { label: 'Day of week', was: 'nothing', now: 'Mon, Thu' },
      { label: 'Files named', was: 'nothing', now: 'a.csv' },
      { label: 'month', was: 'nothing', now: '4' }
    ]);
  });

  it('may be the code alone', () => {
    expect(listChanges(before, after({}, { bundle: 'e'.repeat(64) }), english)).toEqual([
      { label: 'Code', was: 'tarball ddddddd', now: 'tarball eeeeeee', code: true }
    ]);
  });

  it('may be nothing of the form', () => {
    expect(listChanges(before, after({}, { state: 'paused' }), english)).toEqual([]);
  });
});
