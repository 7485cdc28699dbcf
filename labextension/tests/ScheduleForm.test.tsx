import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import type { Host } from '../src/components/host';
import { HostProvider } from '../src/components/host';
import type { FormProps } from '../src/components/ScheduleForm';
import { ScheduleForm } from '../src/components/ScheduleForm';
import { form, parameter, preview, schedule } from './factories';
import { FakeServer, hostOf, refusal } from './server';

const NOTEBOOK = 'reports/bikes.ipynb';

function open(server: FakeServer, props: Partial<FormProps> = {}, changes: Partial<Host> = {}) {
  const done = vi.fn();
  const view = render(
    <HostProvider value={hostOf(server, changes)}>
      <ScheduleForm notebook={NOTEBOOK} done={done} {...props} />
    </HostProvider>
  );
  return { user: userEvent.setup(), done, ...view };
}

const button = (name: string) => screen.getByRole('button', { name });
const sentence = () => screen.findByText(/^Runs every day/);
const created = (server: FakeServer) => server.to('POST schedules').map(({ body }) => body);

describe('Two clicks make a daily schedule', () => {
  it('with the bundle that was previewed and a run now', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user, done } = open(server);
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledWith(schedule()));
    expect(created(server)).toEqual([{ form: form(), bundle: 'd'.repeat(64), run_now: true, once_only: false }]);
  });

  it('with the name in focus, selected, and every label that people know', async () => {
    open(new FakeServer({ 'POST preview': preview() }));
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes');
    expect(document.activeElement).toBe(screen.getByLabelText('Job name'));
    await sentence();
    for (const label of ['Schedule frequency', 'Time of day (UTC)', 'Output directory', 'Job timeout (minutes)']) {
      expect(screen.getByLabelText(label)).toBeTruthy();
    }
    for (const group of ['Code tarball', 'Publish results', 'Parameters']) {
      expect(screen.getByRole('group', { name: group })).toBeTruthy();
    }
    expect(screen.getByRole('checkbox', { name: 'Run once now' })).toHaveProperty('checked', true);
  });

  it('with the bounds that are asked for behind the fold, and what is wrong with them beside the field', async () => {
    const problem = { code: 'bad_end', message: 'The end is before the start.', field: 'end' };
    const server = new FakeServer({
      'POST preview': preview({ problems: [problem] }),
      'POST schedules': schedule()
    });
    const { user } = open(server);
    await user.type(screen.getByLabelText('Number of runs'), '12');
    await user.clear(screen.getByLabelText('Further attempts'));
    await user.type(screen.getByLabelText('Further attempts'), '2');
    await user.click(button('Schedule'));
    await screen.findByText('The end is before the start.');
    expect(screen.getByLabelText('Last day (UTC)').getAttribute('aria-invalid')).toBe('true');
    await waitFor(() =>
      expect(server.to('POST preview').at(-1)!.body).toMatchObject({ policies: { max_runs: 12, retries: 2 } })
    );
  });

  it('with an output contract, a line for each pattern', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user, done } = open(server);
    await sentence();
    await user.click(screen.getByText('More options'));
    await user.type(screen.getByLabelText('Output contract'), 'a.csv rows>=10{Enter}*.png');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(created(server)).toMatchObject([{ form: { expect: ['a.csv rows>=10', '*.png'] } }]);
  });

  it('without the mouse', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user, done } = open(server);
    await sentence();
    await user.keyboard('{Control>}{Enter}{/Control}');
    await waitFor(() => expect(done).toHaveBeenCalled());
  });

  it('of the notebook as it is on disk when unsaved edits had to be saved first', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const save = vi.fn(async () => true);
    const { user } = open(server, {}, { save });
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)).toHaveLength(1));
    expect(save).toHaveBeenCalledWith(NOTEBOOK);
    expect(created(server)[0].bundle).toBeNull();
  });

  it('or one run and no schedule', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user } = open(server);
    await sentence();
    await user.click(button('Run once only'));
    await waitFor(() => expect(created(server)[0]).toMatchObject({ run_now: true, once_only: true }));
  });
});

describe('The fields', () => {
  it('of a frequency appear with it', async () => {
    const { user } = open(new FakeServer({ 'POST preview': preview() }));
    const frequency = screen.getByLabelText('Schedule frequency');
    await user.selectOptions(frequency, 'Weekly');
    const days = screen.getByRole('group', { name: 'Day of week' });
    expect(within(days).getByRole('checkbox', { name: 'Mon' })).toHaveProperty('checked', true);
    await user.selectOptions(frequency, 'Monthly');
    expect(screen.getByLabelText('Day of month')).toBeTruthy();
    await user.selectOptions(screen.getByLabelText('Day of month'), '31');
    expect(screen.getByText(/Skips the 5 months/)).toBeTruthy();
    await user.selectOptions(frequency, 'Cron expression');
    expect(screen.queryByLabelText(/Time of day/)).toBeNull();
  });

  it('keep the time of day when the reader’s zone is taken', async () => {
    const { user } = open(new FakeServer({ 'POST preview': preview() }));
    await user.click(button('Use my time zone'));
    expect(screen.getByLabelText('Time of day (Europe/Paris)')).toHaveProperty('value', '12:00');
    await user.click(button('Use UTC'));
    expect(screen.getByLabelText('Time of day (UTC)')).toBeTruthy();
  });

  it('of parameters have the notebook’s types and values, and only changes are sent', async () => {
    const parameters = [
      parameter(),
      parameter({ name: 'since', type: 'date', default: '2012-03-01' }),
      parameter({ name: 'verbose', type: 'boolean', default: true }),
      parameter({ name: 'run_id', type: 'text', default: '' })
    ];
    const server = new FakeServer({ 'POST preview': preview({ parameters, filled: ['run_id'] }), 'POST schedules': schedule() });
    const { user } = open(server);
    expect(await screen.findByLabelText('since')).toHaveProperty('type', 'date');
    expect(screen.getByText('Filled by every run: run_id')).toBeTruthy();
    await user.clear(screen.getByLabelText('month'));
    await user.type(screen.getByLabelText('month'), '4');
    await user.click(screen.getByLabelText('verbose'));
    await user.click(screen.getByLabelText('verbose'));
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0].form.parameters).toEqual({ month: '4' }));
  });

  it('can’t choose public where no public area is set up', async () => {
    open(new FakeServer({ 'POST preview': preview() }));
    await sentence();
    expect(screen.getByRole('radio', { name: 'Public' })).toHaveProperty('disabled', true);
  });

  it('ask for a look before anything is public', async () => {
    const server = new FakeServer({ 'POST preview': preview({ can_be_public: true }), 'POST schedules': schedule() });
    const { user } = open(server);
    await sentence();
    await user.click(screen.getByRole('radio', { name: 'Public' }));
    await user.click(button('Schedule'));
    expect(await screen.findByText(/Look at what will be public first/)).toBeTruthy();
    expect(created(server)).toEqual([]);
    await user.click(screen.getByRole('checkbox', { name: 'I checked what will be public' }));
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0].form.visibility).toBe('public'));
  });

  it('show a value that a control outside decides', async () => {
    const server = new FakeServer({ 'POST preview': preview({ parameters: [parameter()] }), 'POST schedules': schedule() });
    const { user } = open(server, { values: { month: 7 } });
    expect(await screen.findByLabelText('month')).toHaveProperty('value', '7');
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0].form.parameters).toEqual({ month: 7 }));
  });
});

describe('What is wrong is said beside its field', () => {
  const problem = { code: 'bad_time', message: '“25” isn’t a time of day.', field: 'at' };

  it('after the field was left, not while it is typed', async () => {
    const server = new FakeServer({ 'POST preview': preview({ problems: [problem], bundle: null }) });
    const { user } = open(server);
    const time = screen.getByLabelText('Time of day (UTC)');
    await user.clear(time);
    await user.type(time, '25');
    await waitFor(() => expect(server.to('POST preview').length).toBeGreaterThan(1));
    expect(screen.queryByText(problem.message)).toBeNull();
    await user.tab();
    expect(await screen.findByText(problem.message)).toBeTruthy();
    expect(time.getAttribute('aria-invalid')).toBe('true');
    expect(document.getElementById(time.getAttribute('aria-describedby')!)!.textContent).toBe(problem.message);
  });

  it('with the focus on the first one when it is sent all the same', async () => {
    const server = new FakeServer({ 'POST preview': preview({ problems: [problem], bundle: null, summary: '' }) });
    const { user } = open(server);
    await screen.findByText(/Correct what is marked/);
    await user.click(button('Schedule'));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Time of day (UTC)')));
    expect(created(server)).toEqual([]);
  });

  it('also when the server says it late, with what it offers instead', async () => {
    const taken = () => refusal(409, 'name_taken', '“bikes” is taken. Try “bikes-2”.', 'name');
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': taken });
    const { user } = open(server);
    await sentence();
    await user.click(button('Schedule'));
    await user.click(await screen.findByRole('button', { name: 'Use bikes-2' }));
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes-2');
    expect(screen.queryByText(/is taken/)).toBeNull();
  });

  it('and a limit behind the fold unfolds it', async () => {
    const server = new FakeServer({ 'POST preview': preview() });
    const { user, container } = open(server);
    await sentence();
    await user.clear(screen.getByLabelText('Job timeout (minutes)'));
    await user.click(button('Schedule'));
    expect(container.querySelector('details.jp-Schedule-more')).toHaveProperty('open', true);
    expect(created(server)).toEqual([]);
  });
});

describe('Unsaved edits of the notebook', () => {
  it('are told of as long as there are any', async () => {
    let tell: (unsaved: boolean) => void = () => undefined;
    const watchUnsaved = (_: string, listener: (unsaved: boolean) => void) => ((tell = listener), () => undefined);
    open(new FakeServer({ 'POST preview': preview() }), {}, { watchUnsaved });
    await sentence();
    expect(screen.queryByText(/^Unsaved/)).toBeNull();
    act(() => tell(true));
    expect(screen.getByText('Unsaved changes will be saved first.')).toBeTruthy();
    act(() => tell(false));
    expect(screen.queryByText(/^Unsaved/)).toBeNull();
  });
});

describe('A preview that found nobody', () => {
  it('is asked for again by itself', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ['setTimeout', 'clearTimeout'] });
    let tries = 0;
    const server = new FakeServer({ 'POST preview': () => (tries++ < 2 ? Promise.reject(new TypeError('gone')) : preview()) });
    open(server);
    expect((await screen.findByRole('alert')).textContent).toContain('Lost the connection');
    await act(() => vi.advanceTimersByTimeAsync(3_100));
    await act(() => vi.advanceTimersByTimeAsync(3_100));
    await sentence();
    expect(screen.queryByRole('alert')).toBeNull();
    expect(tries).toBe(3);
  });
});

describe('A login that has ended', () => {
  it('keeps what was typed, and says where to sign in', async () => {
    const no = () => new Response('Forbidden', { status: 403 });
    const { user } = open(new FakeServer({ 'POST preview': preview(), 'POST schedules': no }), {}, { signInAt: '/base/login' });
    await sentence();
    await user.type(screen.getByLabelText('Job name'), '-x');
    await user.click(button('Schedule'));
    expect(await screen.findByText('Sign in again; your form is kept.')).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe('/base/login');
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes-x');
  });
});

describe('The server going away in the middle', () => {
  it('loses nothing, and trying again can’t record a second schedule', async () => {
    let tries = 0;
    const server = new FakeServer({
      'POST preview': preview(),
      'POST schedules': () => (tries++ === 0 ? Promise.reject(new TypeError('gone')) : schedule())
    });
    const { user, done } = open(server);
    await sentence();
    await user.click(button('Schedule'));
    expect((await screen.findByRole('alert')).textContent).toContain('Lost the connection');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    const keys = server.to('POST schedules').map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys[0]).toBeTruthy();
    expect(new Set(keys).size).toBe(1);
  });

  it('lets it be tried again when the name is taken by what was recorded, by the same request to the letter', async () => {
    let tries = 0;
    let saved: () => void = () => undefined;
    const server = new FakeServer({
      'POST preview': preview(),
      'POST schedules': () => (tries++ === 0 ? Promise.reject(new TypeError('gone')) : schedule())
    });
    const { user, done } = open(server, {}, { onSaved: (_, listener) => ((saved = listener), () => undefined) });
    await sentence();
    await user.click(button('Schedule'));
    await screen.findByRole('alert');
    server.answer('POST preview', preview({ problems: [{ code: 'name_taken', message: '“bikes” is taken.', field: 'name' }], bundle: null }));
    act(() => saved());
    await waitFor(() => expect(server.to('POST preview')).toHaveLength(2));
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    expect(created(server)[1]).toEqual(created(server)[0]);
    expect(server.to('PATCH schedules/bikes')).toEqual([]);
  });

  it('takes what was saved since the first try along', async () => {
    let tries = 0;
    const server = new FakeServer({
      'POST preview': preview(),
      'POST schedules': () => (tries++ === 0 ? Promise.reject(new TypeError('gone')) : schedule()),
      'PATCH schedules/bikes': schedule({ version: 4 })
    });
    const { user, done } = open(server, {}, { save: async () => tries > 0 });
    await sentence();
    await user.click(button('Schedule'));
    await screen.findByRole('alert');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledWith(schedule({ version: 4 })));
    expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({ form: {}, rebundle: true });
  });
});

describe('A draft', () => {
  it('is there when the form is opened again, and can be thrown away', async () => {
    const server = new FakeServer({ 'POST preview': preview() });
    const first = open(server);
    await first.user.type(screen.getByLabelText('Job name'), '-x');
    first.unmount();
    const { user } = open(server);
    expect(screen.getByLabelText('Job name')).not.toHaveProperty('value', 'bikes');
    await user.click(button('Start over'));
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes');
  });

  it('is gone once it was scheduled', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const first = open(server);
    await first.user.type(screen.getByLabelText('Job name'), '-x');
    await first.user.click(button('Schedule'));
    await waitFor(() => expect(first.done).toHaveBeenCalled());
    first.unmount();
    open(server);
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes');
  });
});

describe('The code tarball', () => {
  const finding = { level: 'warning', code: 'left', message: 'lookup.csv (cell 5) isn’t sent.', cell: 5, fix: 'data/lookup.csv' };

  it('takes a missing file in by one click', async () => {
    const server = new FakeServer({
      'POST preview': ({ body }: { body: { files: string[] } }) => preview({ findings: body.files.length ? [] : [finding] })
    });
    const { user } = open(server);
    await user.click(await screen.findByRole('button', { name: 'Add data/lookup.csv' }));
    await waitFor(() => expect(screen.queryByText(finding.message)).toBeNull());
    expect(server.to('POST preview').pop()!.body.files).toEqual(['data/lookup.csv']);
  });

  it('is reviewed in a sheet that Escape closes, with the focus where it was', async () => {
    const files = [
      { path: NOTEBOOK, size: 900, status: 'included', why: 'the notebook', cell: null },
      { path: 'data/a.csv', size: 1200, status: 'included', why: 'cell 3 reads it', cell: 3 }
    ];
    const server = new FakeServer({ 'POST preview': preview({ files }) });
    const { user } = open(server);
    await screen.findByText('2 files, 17 kB · Python 3.11');
    await user.click(button('Review files'));
    const sheet = await screen.findByRole('dialog', { name: 'Review files' });
    await user.click(within(sheet).getByRole('button', { name: 'Leave out: data/a.csv' }));
    await user.type(within(sheet).getByLabelText('Add a file, folder or pattern'), 'more/*.csv{Enter}');
    await waitFor(() =>
      expect(server.to('POST preview').pop()!.body).toMatchObject({ files: ['more/*.csv'], left_out: ['data/a.csv'] })
    );
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('dialog')).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(button('Review files')));
  });

  it('is looked at again when the notebook was saved', async () => {
    let saved: (() => void) | undefined;
    const onSaved = (_: string, listener: () => void) => ((saved = listener), () => undefined);
    const server = new FakeServer({ 'POST preview': preview() });
    open(server, {}, { onSaved });
    await sentence();
    saved!();
    await waitFor(() => expect(server.to('POST preview')).toHaveLength(2));
  });
});

describe('An edit', () => {
  const recorded = schedule({ form: form({ timeout_minutes: 30 }) });

  it('sends what was changed, at the version it was made from, and leaves the code as it was', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'PATCH schedules/bikes': recorded });
    const { user, done } = open(server, { editing: recorded });
    expect(screen.getByLabelText('Job name')).toHaveProperty('readOnly', true);
    await sentence();
    await user.clear(screen.getByLabelText('Time of day (UTC)'));
    await user.type(screen.getByLabelText('Time of day (UTC)'), '6:30');
    await user.click(button('Save changes'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    const [asked] = server.to('PATCH schedules/bikes');
    expect(asked!.headers.get('If-Match')).toBe('3');
    expect(asked!.body).toEqual({ form: { frequency: { at: '6:30' } }, rebundle: false });
    expect(server.to('POST preview')[0]!.query.get('schedule')).toBe('bikes');
  });

  it('is there as it was typed when its form is opened again, unless somebody saved meanwhile', async () => {
    const server = new FakeServer({ 'POST preview': preview() });
    const first = open(server, { editing: recorded });
    await first.user.clear(screen.getByLabelText('Output directory'));
    await first.user.type(screen.getByLabelText('Output directory'), 'typed');
    first.unmount();
    const second = open(server, { editing: recorded });
    expect(screen.getByLabelText('Output directory')).toHaveProperty('value', 'typed');
    second.unmount();
    open(server, { editing: { ...recorded, version: 9 } });
    expect(screen.getByLabelText('Output directory')).toHaveProperty('value', 'output');
  });

  it('can drop a value for a parameter that the notebook has no more', async () => {
    const gone = schedule({ form: form({ parameters: { mnth: 3 } }) });
    const server = new FakeServer({ 'POST preview': preview({ parameters: [parameter()] }), 'PATCH schedules/bikes': gone });
    const { user, done } = open(server, { editing: gone });
    await user.click(await screen.findByRole('button', { name: 'Remove mnth' }));
    await sentence();
    await user.click(button('Save changes'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(server.to('PATCH schedules/bikes')[0]!.body.form).toEqual({ parameters: { mnth: null } });
  });

  it('of one that was changed elsewhere asks whose it should be', async () => {
    let tries = 0;
    const server = new FakeServer({
      'POST preview': preview(),
      'PATCH schedules/bikes': () =>
        tries++ === 0 ? refusal(412, 'changed_elsewhere', 'It was changed in the meantime.') : recorded,
      'GET schedules/bikes': { ...recorded, version: 8 }
    });
    const { user, done } = open(server, { editing: recorded });
    await sentence();
    await user.click(button('Save changes'));
    await user.click(await screen.findByRole('button', { name: 'Keep mine' }));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(server.to('PATCH schedules/bikes').pop()!.headers.get('If-Match')).toBe('8');
  });
});
