import { describe, expect, it } from 'vitest';

import type { Kind } from '../../src/model/form';
import {
  COMPUTE_FIELDS,
  TARBALL_FIELDS,
  findProblem,
  groupByField,
  fieldsFor,
  findFirst,
  fromWire,
  createForm,
  findOfferedName,
  checkForm,
  formatDefault,
  suggestName,
  toWire,
  withFile,
  withKind,
  withParameter,
  withoutFile
} from '../../src/model/form';
import { english } from '../../src/model/translation';
import { NOW, form, parameter } from '../support/factories';

const fresh = createForm('reports/Bikes Report.ipynb', NOW);

describe('A new form', () => {
  it('is daily at noon UTC, private, with two hours', () => {
    const wire = toWire(fresh);
    expect(wire).toMatchObject({ name: 'bikes-report', visibility: 'private', timeout_minutes: 120, output_dir: null });
    expect(wire.frequency).toEqual({
      kind: 'daily',
      at: '12:00',
      days: [],
      day_of_month: '1',
      date: '',
      cron: '',
      timezone: 'UTC'
    });
  });

  it('offers today’s weekday and tomorrow’s date', () => {
    expect(fresh.frequency).toMatchObject({ days: ['Mon'], date: '2026-11-24' });
  });
});

describe('The frequency decides which fields are asked for, and only those are sent', () => {
  it.each<[Kind, string[], object]>([
    ['daily', ['at'], { at: '12:00' }],
    ['weekdays', ['at'], { at: '12:00' }],
    ['weekly', ['days', 'at'], { days: ['Mon'] }],
    ['monthly', ['day_of_month', 'at'], { day_of_month: '1' }],
    ['hourly', ['at'], { at: '0' }],
    ['once', ['date', 'at'], { date: '2026-11-24' }],
    ['cron', ['cron'], { cron: '0 12 * * *', days: [], date: '' }]
  ])('%s', (kind, fields, sent) => {
    expect(fieldsFor(kind)).toEqual(fields);
    expect(toWire(withKind(fresh, kind)).frequency).toMatchObject({ kind, ...sent });
  });

  it('and a time of day survives the way through others', () => {
    const at9 = { ...fresh, frequency: { ...fresh.frequency, at: '09:30' } };
    expect(withKind(withKind(at9, 'weekly'), 'daily').frequency.at).toBe('09:30');
    expect(withKind(withKind(at9, 'hourly'), 'daily').frequency.at).toBe('12:00');
  });
});

it('A recorded form comes back as it was', () => {
  const recorded = form({
    timeout_minutes: 15,
    frequency: { ...toWire(withKind(fresh, 'weekly')).frequency, days: ['Thu'] }
  });
  expect(toWire(fromWire(recorded, NOW))).toEqual(recorded);
});

describe('Files', () => {
  it('that are added aren’t left out any more, and the other way round', () => {
    const without = withoutFile({ ...fresh, files: ['a.csv'] }, 'a.csv');
    expect(without).toMatchObject({ files: [], left_out: ['a.csv'] });
    expect(withFile(without, 'a.csv')).toMatchObject({ files: ['a.csv'], left_out: [] });
    expect(withFile(withFile(fresh, 'a.csv'), 'a.csv').files).toEqual(['a.csv']);
  });
});

describe('A parameter', () => {
  it('that is left as it is isn’t sent', () => {
    const changed = withParameter(fresh, 'month', '4');
    expect(changed.parameters).toEqual({ month: '4' });
    expect(withParameter(changed, 'month', undefined).parameters).toEqual({});
  });

  it.each([
    [3, '3'],
    ['Berri 1', 'Berri 1'],
    [['a', 1], '["a",1]'],
    [null, ''],
    [false, 'false']
  ])('with the value %j is shown as %s', (value, text) => {
    expect(formatDefault(parameter({ default: value }))).toBe(text);
  });
});

describe('The browser tells alone', () => {
  it.each(['', '0', '1441', '-5', '2.5', 'two'])('that a time limit of “%s” isn’t one', timeout => {
    expect(checkForm({ ...fresh, timeout_minutes: timeout }, english)).toHaveProperty('timeout_minutes');
  });

  it.each(['1', ' 120 ', '1440'])('that “%s” is one', timeout => {
    expect(checkForm({ ...fresh, timeout_minutes: timeout }, english)).toEqual({});
  });

  it('that public results have to be looked at first', () => {
    const open = { ...fresh, visibility: 'public' as const };
    expect(checkForm(open, english)).toHaveProperty('visibility');
    expect(checkForm({ ...open, checkedPublic: true }, english)).toEqual({});
  });

  it('nothing of results that were public before, of which the server knows whether they have to be looked at', () => {
    const recorded = fromWire({ ...toWire(fresh), visibility: 'public' }, 0);
    expect(recorded.checkedPublic).toBe(false);
    expect(checkForm(recorded, english)).toEqual({});
  });

  it('that a weekly schedule needs a day', () => {
    const weekly = withKind(fresh, 'weekly');
    expect(checkForm({ ...weekly, frequency: { ...weekly.frequency, days: [] } }, english)).toHaveProperty('days');
  });
});

describe('A problem of the server', () => {
  const problem = (field: string | null) => ({ code: 'x', message: `about ${field}`, field });

  it.each([
    ['name', 'daily', 'name'],
    ['form.frequency.at', 'daily', 'at'],
    ['form.frequency.day_of_month', 'monthly', 'day_of_month'],
    ['date', 'once', 'date'],
    ['cron', 'cron', 'cron'],
    ['cron', 'daily', 'kind'],
    ['timeout_minutes', 'daily', 'timeout_minutes'],
    ['kernel', 'daily', 'kernel'],
    ['something_else', 'daily', 'form'],
    [null, 'daily', 'form']
  ] as const)('about %s of a %s schedule stands under %s', (field, kind, ours) => {
    expect(groupByField([problem(field)], kind)).toEqual({ [ours]: `about ${field}` });
  });

  it('is the first of several for one field', () => {
    expect(groupByField([problem('name'), { ...problem('name'), message: 'second' }], 'daily').name).toBe('about name');
  });

  it('with any part of the code tarball stands under the tarball', () => {
    for (const field of ['files', 'left_out']) {
      const problems = groupByField([problem(field)], 'daily');
      expect(findProblem(problems, TARBALL_FIELDS)).toBe(`about ${field}`);
    }
    expect(findProblem(groupByField([problem('launcher')], 'daily'), COMPUTE_FIELDS)).toBe('about launcher');
    expect(findProblem(groupByField([problem('at')], 'daily'), TARBALL_FIELDS)).toBeUndefined();
  });

  it('is looked for from the top', () => {
    expect(findFirst({ timeout_minutes: 'x', at: 'y' })).toBe('at');
    expect(findFirst({ form: 'x' })).toBeUndefined();
  });

  it.each([
    ['“bikes” is taken. Try “bikes-2”.', 'bikes', 'bikes-2'],
    ['“bikes” still has published results.', 'bikes', null],
    ['Use letters.', 'Bikes!', null]
  ])('%s offers, instead of %s, %s', (sentence, name, offered) => {
    expect(findOfferedName(sentence, name)).toBe(offered);
  });
});

it.each([
  ['reports/Slow SQL.ipynb', 'slow-sql'],
  ['Ünïted.ipynb', 'united'],
  ['..weird...name__.ipynb', 'weird.name'],
  ['日本.ipynb', '']
])('%s suggests the name “%s”', (path, name) => {
  expect(suggestName(path)).toBe(name);
});
