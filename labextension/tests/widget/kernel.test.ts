import { expect, it } from 'vitest';

import { KERNEL_BASE, kernelFetch, notebookOfKernel } from '../../src/widget/kernel';
import { FakeModel } from './fakeModel';

const ADDRESS = `${KERNEL_BASE}jupyter-schedule/`;

it('a request becomes a message', () => {
  const model = new FakeModel();
  void kernelFetch(model)(`${ADDRESS}schedules/a%20b?reader=UTC`, {
    method: 'PATCH',
    headers: { 'If-Match': '"3"' },
    body: '{"form": {}}'
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

it('answers find their requests in any order', async () => {
  const model = new FakeModel();
  const ask = kernelFetch(model);
  const answers = [ask(`${ADDRESS}status`), ask(`${ADDRESS}schedules`)];
  model.say('msg:custom', { kind: 'answer', id: 2, value: ['two'] });
  model.say('msg:custom', { kind: 'other' });
  model.say('msg:custom', { kind: 'answer', id: 1, value: { one: 1 } });
  const [first, second] = await Promise.all(answers);
  expect([first!.status, await first!.json(), await second!.json()]).toEqual([200, { one: 1 }, ['two']]);
});

it.each([
  ['no_such_run', 404],
  ['changed_elsewhere', 412],
  ['bad_name', 422]
])('a refusal %s comes as HTTP would tell it', async (code, status) => {
  const model = new FakeModel();
  const answer = kernelFetch(model)(`${ADDRESS}status`);
  const error = { code, message: 'No.', field: null };
  model.say('msg:custom', { kind: 'answer', id: 1, error });
  expect([(await answer).status, await (await answer).json()]).toEqual([status, { error }]);
});

it('a request that is no longer wanted ends at once, and its late answer is left alone', async () => {
  const model = new FakeModel();
  const gone = new AbortController();
  const answer = kernelFetch(model)(`${ADDRESS}status`, { signal: gone.signal });
  gone.abort();
  await expect(answer).rejects.toThrow('No longer wanted');
  model.say('msg:custom', { kind: 'answer', id: 1, value: {} });
});

it.each(['http://localhost:8888/api/contents', `${KERNEL_BASE}api/contents`, `${ADDRESS}../api`])(
  'nothing but the API is asked of the kernel',
  async address => {
    const model = new FakeModel();
    await expect(kernelFetch(model)(address)).rejects.toThrow('no answer');
    expect(model.sent).toEqual([]);
  }
);

it('the kernel tells its notebook, or that it cannot', async () => {
  const model = new FakeModel();
  const ask = kernelFetch(model);
  const known = notebookOfKernel(ask);
  model.say('msg:custom', { kind: 'answer', id: 1, value: 'a é.ipynb' });
  expect(await known).toBe('a é.ipynb');
  const unknown = notebookOfKernel(ask);
  model.say('msg:custom', { kind: 'answer', id: 2, error: { code: 'which_notebook', message: '', field: null } });
  expect(await unknown).toBe('');
});
