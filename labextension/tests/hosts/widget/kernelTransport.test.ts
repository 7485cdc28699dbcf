import { expect, it } from 'vitest';

import { askKernelForNotebook, kernelTransport } from '../../../src/hosts/widget/kernelTransport';
import { FakeModel } from '../../support/fakeModel';

it('a request becomes a message', () => {
  const model = new FakeModel();
  void kernelTransport(model)({
    method: 'PATCH',
    path: 'schedules/a%20b',
    query: { reader: 'UTC' },
    body: { form: {} },
    ifVersion: 3
  });
  expect(model.sent).toEqual([
    {
      kind: 'ask',
      id: 1,
      method: 'PATCH',
      path: 'schedules/a%20b',
      query: { reader: 'UTC' },
      body: { form: {} },
      if_version: 3
    }
  ]);
});

it('what a request leaves out is told as nothing', () => {
  const model = new FakeModel();
  void kernelTransport(model)({ path: 'status' });
  expect(model.sent).toEqual([
    { kind: 'ask', id: 1, method: 'GET', path: 'status', query: {}, body: null, if_version: null }
  ]);
});

it('answers find their requests in any order', async () => {
  const model = new FakeModel();
  const ask = kernelTransport(model);
  const answers = [ask({ path: 'status' }), ask({ path: 'schedules' })];
  model.say('msg:custom', { kind: 'answer', id: 2, value: ['two'] });
  model.say('msg:custom', { kind: 'other', id: 1 });
  model.say('msg:custom', { kind: 'answer', id: 1, value: { one: 1 } });
  expect(await Promise.all(answers)).toEqual([{ one: 1 }, ['two']]);
});

it('a refusal is a problem with its code, sentence and field', async () => {
  const model = new FakeModel();
  const answer = kernelTransport(model)({ path: 'status' });
  model.say('msg:custom', { kind: 'answer', id: 1, error: { code: 'bad_name', message: 'No.', field: 'name' } });
  await expect(answer).rejects.toMatchObject({ name: 'Problem', code: 'bad_name', message: 'No.', field: 'name' });
});

it('a request that is no longer wanted ends at once, and its late answer is left alone', async () => {
  const model = new FakeModel();
  const gone = new AbortController();
  const answer = kernelTransport(model)({ path: 'status', signal: gone.signal });
  gone.abort();
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  model.say('msg:custom', { kind: 'answer', id: 1, value: {} });
});

it('the kernel tells its notebook, or that it cannot', async () => {
  const model = new FakeModel();
  const ask = kernelTransport(model);
  const known = askKernelForNotebook(ask);
  model.say('msg:custom', { kind: 'answer', id: 1, value: 'a é.ipynb' });
  expect(await known).toBe('a é.ipynb');
  const unknown = askKernelForNotebook(ask);
  model.say('msg:custom', { kind: 'answer', id: 2, error: { code: 'which_notebook', message: '', field: null } });
  expect(await unknown).toBe('');
});
