import { expect, it, vi } from 'vitest';

import { findOpenNotebook } from '../../../src/hosts/widget/notebook';
import { FakeModel } from '../../support/fakeModel';

function contextOf(more: object = {}) {
  const slots = new Set<(sender: unknown, state: string) => void>();
  return {
    path: 'a/report.ipynb',
    model: { dirty: true },
    save: vi.fn(async () => undefined),
    saveState: {
      connect: (slot: (sender: unknown, state: string) => void) => slots.add(slot),
      disconnect: (slot: (sender: unknown, state: string) => void) => slots.delete(slot),
      emit: (state: string) => slots.forEach(slot => slot(null, state))
    },
    ...more
  };
}

function around(context: unknown) {
  return findOpenNotebook(new FakeModel({}, { context }))!;
}

it('the notebook is where it is now', () => {
  const context = contextOf();
  const notebook = around(context);
  expect(notebook.path).toBe('a/report.ipynb');
  context.path = 'b/renamed.ipynb';
  expect(notebook.path).toBe('b/renamed.ipynb');
});

it.each([
  [{ path: 'RTC:a.ipynb' }, 'a.ipynb'],
  [{ path: 'drive:a.ipynb', localPath: 'a.ipynb' }, 'a.ipynb']
])('the drive is no part of the path', (more, path) => {
  expect(around(contextOf(more)).path).toBe(path);
});

it('only unsaved edits are saved', async () => {
  const context = contextOf();
  expect(await around(context).save()).toBe(true);
  context.model.dirty = false;
  expect(await around(context).save()).toBe(false);
  expect(context.save).toHaveBeenCalledTimes(1);
});

it('a notebook that cannot be written is left alone', async () => {
  const context = contextOf({ contentsModel: { writable: false } });
  expect(await around(context).save()).toBe(false);
  expect(context.save).not.toHaveBeenCalled();
});

it('a listener hears of finished saves until it stops listening', () => {
  const context = contextOf();
  const listener = vi.fn();
  const stop = around(context).onSaved(listener);
  context.saveState.emit('started');
  context.saveState.emit('completed');
  stop();
  context.saveState.emit('completed');
  expect(listener).toHaveBeenCalledTimes(1);
});

it.each([undefined, {}, { context: null }, { context: { path: 3 } }])('a host may keep it to itself', manager => {
  expect(findOpenNotebook(new FakeModel({}, manager))).toBeNull();
});
