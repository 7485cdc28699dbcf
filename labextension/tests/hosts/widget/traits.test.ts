import { expect, it } from 'vitest';

import type { ApiRequest } from '../../../src/api/transport';
import { withRunTrait, withScheduleTraits } from '../../../src/hosts/widget/traits';
import { FakeModel } from '../../support/fakeModel';

const OURS = { name: 'ours', version: 1, last_runs: [] };
const RUN = { run_id: 'r2', schedule: 'ours', status: 'running', created_at: '2026-11-24T12:00:00Z' };

async function after(model: FakeModel, ask: ApiRequest, answer: unknown) {
  const given = await withScheduleTraits(async () => answer, model)(ask);
  expect(given).toBe(answer);
  return model.saved;
}

function made(): FakeModel {
  return new FakeModel({ schedule: OURS, last_run: null });
}

it('what is scheduled is told, with its first run', async () => {
  const model = new FakeModel({ schedule: null, last_run: null });
  const schedule = { ...OURS, last_runs: [RUN] };
  expect(await after(model, { method: 'POST', path: 'schedules' }, schedule)).toEqual([
    { schedule },
    { last_run: RUN }
  ]);
});

it.each(['schedules/ours', 'schedules/ours/pause', 'schedules/ours/resume'])(
  'a change of it is told: %s',
  async path => {
    const schedule = { ...OURS, version: 2 };
    expect(await after(made(), { path }, schedule)).toEqual([{ schedule }]);
  }
);

it.each(['runs/r2', 'runs/r2/cancel', 'runs/r2/retry', 'schedules/ours/run'])(
  'its newest run is told: %s',
  async path => {
    expect(await after(made(), { path }, RUN)).toEqual([{ last_run: RUN }]);
  }
);

it('a deleted schedule is none any more', async () => {
  expect(await after(made(), { method: 'DELETE', path: 'schedules/ours' }, { name: 'ours' })).toEqual([
    { schedule: null }
  ]);
});

it.each([
  ['schedules/other', { name: 'other' }],
  ['runs/r9', { ...RUN, schedule: 'other' }],
  ['schedules', [OURS]],
  ['schedules/ours/runs', [RUN]],
  ['runs/r2/log', { text: '', next: 0, ended: false }],
  ['status', {}]
])('nothing else is told: %s', async (path, answer) => {
  expect(await after(made(), { path }, answer)).toEqual([]);
});

it('the same is told once, and an older run not at all', async () => {
  const model = made();
  const tell = (run: object) => after(model, { path: 'runs/r' }, run);
  await tell(RUN);
  await tell({ ...RUN });
  await tell({ ...RUN, run_id: 'r1', created_at: '2026-11-23T12:00:00Z' });
  expect(model.saved).toEqual([{ last_run: RUN }]);
});

it('a view of a run tells that run only', async () => {
  const model = new FakeModel({ run_id: 'r2', run: null });
  await withRunTrait(async () => RUN, model)({ path: 'runs/r2' });
  await withRunTrait(async () => ({ ...RUN, run_id: 'r3' }), model)({ path: 'runs/r2/retry', method: 'POST' });
  expect(model.saved).toEqual([{ run: RUN }]);
});
