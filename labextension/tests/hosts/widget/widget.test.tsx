import { act, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import widget from '../../../src/hosts/widget/index';
import { FakeModel } from '../../support/fakeModel';

const HOSTILE = '</script><img src=x onerror=alert(1)>';
const RUN = {
  run_id: 'r1',
  schedule: 'report',
  version: 1,
  scheduled_for: '2026-11-24T12:00:00Z',
  trigger: 'manual',
  status: 'due',
  reason: null,
  message: null,
  attempts: [],
  count: 1,
  until: null,
  created_at: '2026-11-24T12:00:00Z',
  started_at: null,
  ended_at: null,
  seconds: null,
  cancelled_by: null,
  progress: null,
  publication: null
};
const DETAILS = {
  ...RUN,
  outputs: [],
  report: [],
  notes: [],
  elsewhere: [],
  failure: null,
  parameters: {},
  bundle: '',
  usual_seconds: null
};
const SCHEDULE = {
  name: 'report',
  id: '1',
  state: 'active',
  version: 1,
  owner: 'local',
  summary: 'Runs every day at 12:00 UTC.',
  timing: { cron: '0 12 * * *', once: null, timezone: 'UTC' },
  form: { notebook: 'a/report.ipynb', name: 'report', frequency: { kind: 'daily', at: '12:00', timezone: 'UTC' } },
  next_due: '2026-11-25T12:00:00Z',
  next: [],
  destination: 'the folder published/report',
  publication_url: null,
  created_at: '2026-11-24T12:00:00Z',
  changed_at: '2026-11-24T12:00:00Z',
  changed_by: 'local',
  bundle: '0',
  last_runs: [RUN]
};
const PREVIEW = {
  problems: [],
  bundle: 'b'.repeat(64),
  size: 10,
  files: [],
  findings: [],
  parameters: [
    { name: 'country', type: 'text', default: 'SE', help: '' },
    { name: 'n', type: 'integer', default: 1, help: '' }
  ],
  filled: [],
  suggested_name: 'report',
  output_dir: 'output',
  python_version: '3.11',
  requirements_source: null,
  requirements: [],
  summary: 'Runs every day at 12:00 UTC.',
  destination: '',
  next: [],
  can_be_public: false,
  workers: [],
  publishing_cost: ''
};
const STATUS = {
  version: '0.1.0',
  ticking: true,
  embedded: true,
  service_installable: true,
  service_installed: false,
  failing: 0,
  running: 0,
  timezone_names: ['UTC']
};
const SESSIONS = [{ type: 'notebook', path: 'a/report.ipynb', kernel: { id: 'k1' } }];
const FORM = {
  view: 'form',
  kernel_id: 'k1',
  notebook: '',
  presets: {},
  values: {},
  problem: '',
  schedule: null,
  last_run: null
};

let asked: [line: string, body: any][] = [];
let answers: Record<string, unknown>;
const unmount: (() => void)[] = [];

beforeEach(() => {
  asked = [];
  answers = {
    'GET /api/sessions': SESSIONS,
    'GET /jupyter-schedule/status': STATUS,
    'POST /jupyter-schedule/preview': PREVIEW,
    'POST /jupyter-schedule/schedules': SCHEDULE,
    'GET /jupyter-schedule/schedules/report': SCHEDULE,
    'GET /jupyter-schedule/schedules/report/runs': [RUN],
    'GET /jupyter-schedule/runs/r1': DETAILS,
    'GET /jupyter-schedule/runs/r1/log': { text: '', next: 0, ended: false }
  };
  const script = document.createElement('script');
  script.id = 'jupyter-config-data';
  script.type = 'application/json';
  script.textContent = JSON.stringify({ baseUrl: '/', token: 'secret' });
  document.head.append(script);
  vi.stubGlobal('fetch', async (input: string, init: { method?: string; body?: string } = {}) => {
    const line = `${init.method ?? 'GET'} ${new URL(input, location.href).pathname}`;
    asked.push([line, init.body ? JSON.parse(init.body) : null]);
    return line in answers ? Response.json(answers[line]) : Response.json({}, { status: 404 });
  });
});

afterEach(() => {
  act(() => unmount.splice(0).forEach(end => end()));
  document.head.replaceChildren();
  document.body.replaceChildren();
});

function show(model: FakeModel): HTMLElement {
  const el = document.createElement('div');
  document.body.append(el);
  act(() => void unmount.push(widget.render({ model, el })));
  return el;
}

function bodies(line: string): any[] {
  return asked.filter(([each]) => each === line).map(([, body]) => body);
}

it('the form is for the notebook whose kernel this is', async () => {
  show(new FakeModel({ ...FORM }));
  expect(await screen.findByLabelText('Job name')).toHaveProperty('value', 'report');
  await waitFor(() => expect(bodies('POST /jupyter-schedule/preview')[0].notebook).toBe('a/report.ipynb'));
});

it('a notebook that was named comes before the one that it is in', async () => {
  show(new FakeModel({ ...FORM, notebook: 'b/other.ipynb' }));
  expect(await screen.findByLabelText('Job name')).toHaveProperty('value', 'other');
});

it('presets are what the form starts with', async () => {
  const presets = { name: 'mine', timeout_minutes: 5, parameters: { n: 3 } };
  show(new FakeModel({ ...FORM, presets }));
  expect(await screen.findByLabelText('Job name')).toHaveProperty('value', 'mine');
  expect(await screen.findByLabelText('n')).toHaveProperty('value', '3');
  await userEvent.click(screen.getByText('More options'));
  expect(await screen.findByLabelText('Job timeout (minutes)')).toHaveProperty('value', '5');
});

it('a control in the notebook decides its parameter, until the button is pressed', async () => {
  const model = new FakeModel({ ...FORM, values: { country: 'NO' } });
  show(model);
  expect(await screen.findByLabelText('country')).toHaveProperty('value', 'NO');
  act(() => model.change('values', { country: 'DK' }));
  expect(screen.getByLabelText('country')).toHaveProperty('value', 'DK');
  await userEvent.type(screen.getByLabelText('country'), 'x');
  expect(screen.getByLabelText('country')).toHaveProperty('value', 'DK');
  await userEvent.click(screen.getByRole('button', { name: 'Schedule' }));
  await waitFor(() => expect(bodies('POST /jupyter-schedule/schedules')).toHaveLength(1));
  expect(bodies('POST /jupyter-schedule/schedules')[0].form.parameters).toEqual({ country: 'DK' });
});

it('what was scheduled and its run are told to the kernel, and the run is shown', async () => {
  const model = new FakeModel({ ...FORM });
  show(model);
  await userEvent.click(await screen.findByRole('button', { name: 'Schedule' }));
  await waitFor(() => expect(model.traits.schedule).toEqual(SCHEDULE));
  expect(model.traits.last_run.run_id).toBe('r1');
  expect(await screen.findByText(/First run started/)).toBeTruthy();
});

it('edits of the open notebook are saved before it is scheduled', async () => {
  const save = vi.fn(async () => undefined);
  const context = { path: 'c/open.ipynb', model: { dirty: true }, save };
  show(new FakeModel({ ...FORM }, { context }));
  await userEvent.click(await screen.findByRole('button', { name: 'Schedule' }));
  await waitFor(() => expect(bodies('POST /jupyter-schedule/schedules')).toHaveLength(1));
  expect(save).toHaveBeenCalledTimes(1);
  expect(bodies('POST /jupyter-schedule/schedules')[0]).toMatchObject({
    bundle: null,
    form: { notebook: 'c/open.ipynb' }
  });
});

it('a widget that scheduled before the page was loaded again shows that, not the form', async () => {
  show(new FakeModel({ ...FORM, schedule: SCHEDULE, last_run: RUN }));
  await waitFor(() => expect(asked.map(([line]) => line)).toContain('GET /jupyter-schedule/runs/r1'));
  expect(screen.queryByLabelText('Job name')).toBeNull();
});

it('a run is shown, and told as it goes', async () => {
  const model = new FakeModel({ view: 'run', kernel_id: 'k1', run_id: 'r1', run: null });
  show(model);
  await waitFor(() => expect(model.traits.run).toEqual(DETAILS));
});

it('it leaves the focus to whoever types in the notebook', async () => {
  show(new FakeModel({ ...FORM }));
  const name = await screen.findByLabelText('Job name');
  expect(document.activeElement).not.toBe(name);
  expect((name as HTMLInputElement).selectionEnd).toBe((name as HTMLInputElement).selectionStart);
});

it('a control with a value that cannot be sent is told above the form', async () => {
  const model = new FakeModel({ ...FORM });
  show(model);
  await screen.findByLabelText('Job name');
  act(() => model.change('problem', 'country can’t be a set.'));
  expect(await screen.findByText('country can’t be a set.')).toBeTruthy();
});

it('where nobody knows the notebook, the form says how to name it', async () => {
  answers['GET /api/sessions'] = [];
  const el = show(new FakeModel({ ...FORM }));
  await waitFor(() => expect(el.textContent).toContain('Which notebook is this?'));
});

it('names with markup are text', async () => {
  const el = show(new FakeModel({ ...FORM, notebook: `${HOSTILE}.ipynb`, presets: { name: HOSTILE } }));
  expect(await screen.findByLabelText('Job name')).toHaveProperty('value', HOSTILE);
  expect(el.querySelector('img')).toBeNull();
});

it('without a Jupyter page everything goes through the kernel', async () => {
  document.head.replaceChildren();
  const model = new FakeModel({ ...FORM });
  model.send = (content: any) => {
    const path =
      content.path === 'notebook' ? 'a/report.ipynb' : answers[`${content.method} /jupyter-schedule/${content.path}`];
    queueMicrotask(() => act(() => model.say('msg:custom', { kind: 'answer', id: content.id, value: path })));
  };
  show(model);
  await userEvent.click(await screen.findByRole('button', { name: 'Schedule' }));
  await waitFor(() => expect(model.traits.schedule).toEqual(SCHEDULE));
  expect(asked).toEqual([]);
});

it('keys that are pressed in the widget are not the notebook’s', () => {
  expect(show(new FakeModel({ ...FORM })).hasAttribute('data-lm-suppress-shortcuts')).toBe(true);
});

it('a removed widget listens to nothing and asks no more', async () => {
  const model = new FakeModel({ ...FORM });
  show(model);
  await screen.findByLabelText('Job name');
  act(() => unmount.splice(0).forEach(end => end()));
  expect(model.listeners).toBe(0);
});
