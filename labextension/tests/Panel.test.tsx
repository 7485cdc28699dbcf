import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { useState } from 'react';
import { describe, expect, it, vi } from 'vitest';

import type { RunDetails } from '../src/api/shapes';
import type { Host } from '../src/components/host';
import { Panel } from '../src/components/Panel';
import type { View } from '../src/model/views';
import { failed, form, preview, run, schedule, status } from './factories';
import { FakeServer, hostOf, refusal } from './server';

interface Shown {
  notebook?: string | null;
  visible?: boolean;
}

function Holder({ host, start, notebook = null, visible = true }: { host: Host; start: View } & Shown) {
  const [view, go] = useState(start);
  return <Panel host={host} view={view} go={go} visible={visible} notebook={notebook} />;
}

function open(server: FakeServer, start: View, shown: Shown = {}, changes: Partial<Host> = {}) {
  const host = hostOf(server, changes);
  const view = render(<Holder host={host} start={start} {...shown} />);
  return {
    user: userEvent.setup(),
    show: (other: Shown) => view.rerender(<Holder host={host} start={start} {...other} />),
    ...view
  };
}

function serverWith(routes: ConstructorParameters<typeof FakeServer>[0] = {}): FakeServer {
  return new FakeServer({
    'GET status': status(),
    'GET schedules': [schedule({ last_runs: [run()] }), schedule({ name: 'churn', last_runs: [failed()] })],
    'GET schedules/bikes': schedule({ last_runs: [run()] }),
    'GET schedules/bikes/runs': [run(), failed({ run_id: 'b' }), run({ run_id: 'c', status: 'skipped', reason: 'overlap', message: 'Run 9 was still going.' })],
    'POST preview': preview(),
    ...routes
  });
}

const ID = run().run_id;
const withRun = (changes: Partial<RunDetails>, routes = {}) =>
  serverWith({ [`GET runs/${ID}`]: { ...failed(), ...changes }, [`GET runs/${ID}/log`]: { text: 'hello\n', next: 1, ended: true }, ...routes });

describe('The list', () => {
  it('has what failed on top, with its cause', async () => {
    open(serverWith(), { at: 'list' });
    const rows = within(await screen.findByRole('list', { name: 'Schedules' })).getAllByRole('listitem');
    expect(rows[0]!.textContent).toContain('churn');
    expect(rows[0]!.textContent).toContain('ZeroDivisionError at cell 2 of 3');
    expect(rows[1]!.textContent).toContain('Every day at 12:00 UTC · next tomorrow 13:00');
  });

  it('says what to do when it is empty', async () => {
    const { user } = open(serverWith({ 'GET schedules': [] }), { at: 'list' }, { notebook: 'reports/bikes.ipynb' });
    expect(await screen.findByText('Nothing is scheduled yet.')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Schedule bikes.ipynb' }));
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes');
  });

  it('is walked by arrow keys, and the dot opens a row’s menu', async () => {
    const { user } = open(serverWith(), { at: 'list' });
    (await screen.findByRole('link', { name: 'churn' })).focus();
    await user.keyboard('{ArrowDown}');
    expect(document.activeElement).toBe(screen.getByRole('link', { name: 'bikes' }));
    await user.keyboard('.');
    expect(document.activeElement).toBe(screen.getByRole('menuitem', { name: 'Run now' }));
    await user.keyboard('{ArrowUp}');
    expect(document.activeElement).toBe(screen.getByRole('menuitem', { name: 'Delete' }));
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('menu')).toBeNull();
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Actions for bikes' }));
  });

  it('keeps what it showed when the connection is lost', async () => {
    const server = serverWith();
    let changed: (() => void) | undefined;
    open(server, { at: 'list' }, {}, { onChange: listener => ((changed ??= listener), () => undefined) });
    await screen.findByRole('link', { name: 'bikes' });
    server.answer('GET schedules', () => Promise.reject(new TypeError('gone')));
    server.answer('GET status', () => Promise.reject(new TypeError('gone')));
    await act(async () => changed!());
    await waitFor(() => expect(server.to('GET status').length).toBeGreaterThan(1));
    expect(screen.getByRole('link', { name: 'bikes' })).toBeTruthy();
  });
});

describe('Deleting', () => {
  it('happens when the time to undo is over', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const server = serverWith({ 'DELETE schedules/bikes': { name: 'bikes', published: 0, publication_url: null } });
    open(server, { at: 'list' });
    fireEvent.click(await screen.findByRole('button', { name: 'Actions for bikes' }));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Delete' }));
    expect(screen.queryByRole('link', { name: 'bikes' })).toBeNull();
    await act(() => vi.advanceTimersByTimeAsync(9_000));
    expect(server.to('DELETE schedules/bikes')).toHaveLength(0);
    await act(() => vi.advanceTimersByTimeAsync(1_100));
    expect(server.to('DELETE schedules/bikes')).toHaveLength(1);
    expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
  });

  it('doesn’t happen when it is undone', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const server = serverWith();
    open(server, { at: 'list' });
    fireEvent.click(await screen.findByRole('button', { name: 'Actions for bikes' }));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Delete' }));
    fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
    await act(() => vi.advanceTimersByTimeAsync(20_000));
    expect(screen.getByRole('link', { name: 'bikes' })).toBeTruthy();
    expect(server.to('DELETE schedules/bikes')).toHaveLength(0);
  });

  it('happens at once when the panel goes away', async () => {
    const server = serverWith({ 'DELETE schedules/bikes': {} });
    const { unmount } = open(server, { at: 'list' });
    fireEvent.click(await screen.findByRole('button', { name: 'Actions for bikes' }));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Delete' }));
    unmount();
    expect(server.to('DELETE schedules/bikes')).toHaveLength(1);
  });
});

describe('A hidden panel', () => {
  it('asks for nothing until it is shown', async () => {
    const server = serverWith();
    const { show } = open(server, { at: 'list' }, { visible: false });
    await act(async () => undefined);
    expect(server.asked).toEqual([]);
    show({ visible: true });
    await screen.findByRole('link', { name: 'bikes' });
  });

  it('stops asking', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const server = serverWith({ 'GET schedules': [schedule({ last_runs: [run({ status: 'running' })] })] });
    const { show } = open(server, { at: 'list' });
    await screen.findByRole('link', { name: 'bikes' });
    await act(() => vi.advanceTimersByTimeAsync(3_000));
    expect(server.to('GET schedules').length).toBeGreaterThan(2);
    show({ visible: false });
    const before = server.asked.length;
    await act(() => vi.advanceTimersByTimeAsync(60_000));
    expect(server.asked).toHaveLength(before);
  });
});

describe('What is on screen', () => {
  it('is at most two seconds old while something runs, and thirty otherwise', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const server = serverWith({ 'GET schedules': [schedule({ last_runs: [run({ status: 'running' })] })] });
    open(server, { at: 'list' });
    await screen.findByRole('link', { name: 'bikes' });
    const asked = () => server.to('GET schedules').length;
    const before = asked();
    await act(() => vi.advanceTimersByTimeAsync(2_100));
    expect(asked()).toBeGreaterThan(before);
    server.answer('GET schedules', [schedule({ last_runs: [run()] })]);
    await act(() => vi.advanceTimersByTimeAsync(2_100));
    const idle = asked();
    await act(() => vi.advanceTimersByTimeAsync(20_000));
    expect(asked()).toBe(idle);
    await act(() => vi.advanceTimersByTimeAsync(11_000));
    expect(asked()).toBe(idle + 1);
  });

  it.each<[string, View, RegExp]>([
    ['list', { at: 'list' }, /Every day/],
    ['history', { at: 'history', schedule: 'bikes' }, /Skipped and missed/],
    ['run', { at: 'run', run: ID }, /division by zero/]
  ])('needs no button to renew it: %s', async (_, view, shown) => {
    open(withRun({}), view);
    await screen.findAllByText(shown);
    expect(screen.queryByRole('button', { name: /reload|refresh/i })).toBeNull();
  });

  it('has with every time both zones at hand', async () => {
    const { container } = open(serverWith(), { at: 'history', schedule: 'bikes' });
    await screen.findAllByText(/Skipped and missed/);
    const marks = [...container.querySelectorAll('time, .jp-Schedule-runs .jp-Schedule-state')];
    expect(marks.length).toBeGreaterThan(3);
    marks.forEach(mark => expect(mark.getAttribute('title')).toMatch(/Europe\/Paris \(.*UTC\)/));
  });
});

describe('A run that wrote nothing', () => {
  it('says so, and leads to the output directory', async () => {
    const message = 'The notebook finished, but output/ is empty, so nothing was published.';
    const { user } = open(withRun({ ...run(), reason: 'empty_output', message }), { at: 'run', run: ID });
    expect(await screen.findByText(message)).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Change output directory' }));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Output directory')));
  });
});

describe('When nothing ticks', () => {
  it('that is said, with the command that helps', async () => {
    open(serverWith({ 'GET status': status({ ticking: false }) }), { at: 'list' });
    expect((await screen.findByRole('alert')).textContent).toContain('nothing will start');
    expect(screen.getByText('jupyter schedule service install')).toBeTruthy();
  });

  it('where no service can be installed, another command is shown', async () => {
    open(serverWith({ 'GET status': status({ ticking: false, service_installable: false }) }), { at: 'list' });
    expect(await screen.findByText('python -m scheduler_service run')).toBeTruthy();
  });

  it('it isn’t, while a service of its own keeps going', async () => {
    open(serverWith(), { at: 'list' });
    await screen.findByRole('link', { name: 'bikes' });
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.queryByRole('note')).toBeNull();
  });
});

it('Without the server half, the sentence says how to get it', async () => {
  open(new FakeServer({}), { at: 'list' });
  expect((await screen.findByRole('alert')).textContent).toContain('pip install jupyter-schedule');
});

describe('A schedule’s page', () => {
  it('has the sentence, the next times and every run with its reason', async () => {
    open(serverWith(), { at: 'history', schedule: 'bikes' });
    const runs = within((await screen.findAllByRole('list', { name: 'Runs' }))[0]!).getAllByRole('listitem');
    expect(runs).toHaveLength(3);
    expect(runs[2]!.textContent).toContain('Skipped');
    expect(runs[2]!.textContent).toContain('Run 9 was still going.');
    expect(screen.getByText('Tue 24 Nov').getAttribute('title')).toBe('Tue 24 Nov 13:00 Europe/Paris (12:00 UTC)');
    expect(screen.getByText('13:00 your time, 12:00 UTC')).toBeTruthy();
  });

  it('changes the time in place, by Enter', async () => {
    const server = serverWith({ 'PATCH schedules/bikes': schedule() });
    const { user } = open(server, { at: 'history', schedule: 'bikes' });
    await user.click(await screen.findByRole('button', { name: /Time of day \(UTC\): 12:00 UTC, change it/ }));
    await user.keyboard('06:30{Enter}');
    await waitFor(() => expect(server.to('PATCH schedules/bikes')).toHaveLength(1));
    expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({ form: { frequency: { at: '06:30' } }, rebundle: false });
  });

  it('leaves the time as it was on Escape', async () => {
    const server = serverWith();
    const { user } = open(server, { at: 'history', schedule: 'bikes' });
    await user.click(await screen.findByRole('button', { name: /Time of day/ }));
    await user.keyboard('06:30{Escape}');
    expect(await screen.findByRole('button', { name: /Time of day/ })).toBeTruthy();
    expect(server.to('PATCH schedules/bikes')).toEqual([]);
  });

  it('pauses at once, and takes it back', async () => {
    const server = serverWith({ 'POST schedules/bikes/pause': schedule(), 'POST schedules/bikes/resume': schedule() });
    const { user } = open(server, { at: 'history', schedule: 'bikes' });
    await user.click(await screen.findByRole('button', { name: 'Pause' }));
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    await waitFor(() => expect(server.to('POST schedules/bikes/resume')).toHaveLength(1));
  });

  it('takes the notebook as it is now only when asked to', async () => {
    const server = serverWith({ 'PATCH schedules/bikes': schedule() });
    const { user } = open(server, { at: 'history', schedule: 'bikes' });
    await user.click(await screen.findByRole('button', { name: 'Use the notebook as it is now' }));
    await waitFor(() => expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({ form: {}, rebundle: true }));
  });

  it('shows a refusal of what was asked', async () => {
    const no = () => refusal(409, 'schedule_ended', '“bikes” has ended.');
    const { user } = open(serverWith({ 'POST schedules/bikes/run': no }), { at: 'history', schedule: 'bikes' });
    await user.click(await screen.findByRole('button', { name: 'Run now' }));
    expect((await screen.findByRole('alert')).textContent).toContain('has ended');
  });
});

describe('A failed run', () => {
  it('says its cause first, then the cell, with the traceback folded', async () => {
    const { container } = open(withRun({}), { at: 'run', run: ID });
    expect(await screen.findByRole('heading', { name: 'Failed at cell 2 of 3' })).toBeTruthy();
    expect(screen.getByRole('alert').textContent).toBe('ZeroDivisionError at cell 2 of 3: division by zero.');
    expect(container.querySelector('[data-failed]')!.textContent).toBe('x = 1 / 0');
    expect(screen.getByText('Full traceback, 2 lines').closest('details')).toHaveProperty('open', false);
  });

  it('opens the notebook at its cell', async () => {
    const openNotebook = vi.fn();
    const { user } = open(withRun({}), { at: 'run', run: ID }, {}, { openNotebook });
    await user.click(await screen.findByRole('button', { name: 'Open at cell 2' }));
    await waitFor(() => expect(openNotebook).toHaveBeenCalledWith('reports/bikes.ipynb', 2));
  });

  const message = "FileNotFoundError at cell 2 of 3: [Errno 2] No such file or directory: '../data/bikes.csv'.";
  const file = { path: 'data/bikes.csv', size: 9, status: 'named', why: 'named', cell: null };

  it('is mended by one click when a file is there that wasn’t sent', async () => {
    const server = withRun(
      { message },
      {
        'POST preview': preview({ files: [file] }),
        'PATCH schedules/bikes': schedule(),
        'POST schedules/bikes/run': run({ run_id: 'again' }),
        'GET runs/again': run({ run_id: 'again' })
      }
    );
    const { user } = open(server, { at: 'run', run: ID });
    const mend = await screen.findByRole('button', { name: 'Add the file and run again' });
    expect(screen.getByRole('alert').textContent).toBe(
      'FileNotFoundError: ../data/bikes.csv was not in the code tarball. Cell 2 reads it.'
    );
    await user.click(mend);
    expect(await screen.findByRole('heading', { name: /Succeeded/ })).toBeTruthy();
    expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({ form: { files: ['data/bikes.csv'] }, rebundle: true });
  });

  it('for want of a file that is nowhere says that', async () => {
    open(withRun({ message }, { 'POST preview': preview({ files: [{ ...file, status: 'missing' }] }) }), { at: 'run', run: ID });
    expect(await screen.findByText('FileNotFoundError: ../data/bikes.csv doesn’t exist here either. Cell 2 reads it.')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Add the file and run again' })).toBeNull();
  });

  it('by its time limit leads to the limit', async () => {
    const { user } = open(withRun({ status: 'timed_out', reason: 'time_limit' }), { at: 'run', run: ID });
    await user.click(await screen.findByRole('button', { name: 'Change timeout' }));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Job timeout (minutes)')));
  });

  it('runs again', async () => {
    const server = withRun({}, { [`POST runs/${ID}/retry`]: run({ run_id: 'again' }), 'GET runs/again': run({ run_id: 'again' }) });
    const { user } = open(server, { at: 'run', run: ID });
    await user.click(await screen.findByRole('button', { name: 'Run again' }));
    expect(await screen.findByRole('heading', { name: /Succeeded/ })).toBeTruthy();
  });

  it('whose texts carry markup shows them as text', async () => {
    const bad = '<img src=x onerror=alert(1)>';
    const { container } = open(
      withRun({ message: bad, failure: { ...failed().failure!, source: bad, traceback: bad }, notes: [bad] }),
      { at: 'run', run: ID }
    );
    await screen.findByRole('heading', { name: /Failed/ });
    expect(container.querySelector('img')).toBeNull();
    expect(screen.getByRole('alert').textContent).toBe(bad);
  });
});

describe('A run that goes', () => {
  const going = { status: 'running' as const, ended_at: null, seconds: null, failure: null, message: null, progress: [3, 6] as [number, number] };

  it('shows its cells and its log', async () => {
    open(withRun(going), { at: 'run', run: ID });
    expect(await screen.findByRole('heading', { name: 'Running, cell 4 of 6' })).toBeTruthy();
    await waitFor(() => expect(screen.getByRole('log').textContent).toBe('hello\n'));
  });

  it('reads on in the log where it left off', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const answer = ({ query }: { query: URLSearchParams }) =>
      query.get('first') === '0' ? { text: 'one\n', next: 4, ended: false } : { text: 'two\n', next: 5, ended: true };
    const server = withRun(going, { [`GET runs/${ID}/log`]: answer });
    open(server, { at: 'run', run: ID });
    await waitFor(() => expect(screen.getByRole('log').textContent).toBe('one\n'));
    await act(() => vi.advanceTimersByTimeAsync(1_100));
    expect(screen.getByRole('log').textContent).toBe('one\ntwo\n');
    await act(() => vi.advanceTimersByTimeAsync(5_000));
    expect(server.to(`GET runs/${ID}/log`).map(({ query }) => query.get('first'))).toEqual(['0', '4']);
  });

  it('is stopped at once, as far as the eye can see', async () => {
    const server = withRun(going, { [`POST runs/${ID}/cancel`]: () => new Promise(() => undefined) });
    const { user } = open(server, { at: 'run', run: ID });
    await user.click(await screen.findByRole('button', { name: 'Stop' }));
    expect(screen.getByRole('button', { name: 'Stopping…' })).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Stopping…' }));
    expect(server.to(`POST runs/${ID}/cancel`)).toHaveLength(1);
  });
});

describe('What a run left', () => {
  const file = { path: 'bikes.html', size: 10, sha256: 'x', url: '/base/jupyter-schedule/runs/1/files/report/bikes.html' };

  it('is shown in a frame that may do nothing', async () => {
    const { container, user } = open(withRun({ report: [file] }), { at: 'run', run: ID });
    await user.click(await screen.findByText('Notebook as run'));
    const frame = await waitFor(() => container.querySelector('iframe')!);
    expect(frame.getAttribute('sandbox')).toBe('');
    expect(frame.getAttribute('src')).toBe(`${file.url}#papermill-error-cell`);
  });

  it('has links to open and to download, pictures as such', async () => {
    const picture = { ...file, path: 'plot.png', url: '/base/jupyter-schedule/publications/bikes/data/plot.png' };
    const publication = { url: '/base/jupyter-schedule/publications/bikes/', files: [picture] };
    open(withRun({ ...run({ publication }) }), { at: 'run', run: ID });
    expect((await screen.findByRole('link', { name: 'Open plot.png' })).getAttribute('href')).toBe(picture.url);
    expect(screen.getByRole('link', { name: 'Download plot.png' }).getAttribute('href')).toBe(`${picture.url}?download=1`);
    expect(screen.getByRole('img', { name: 'plot.png' })).toBeTruthy();
  });
});

describe('From the form', () => {
  it('one comes to the first run, with what was done and its undo', async () => {
    const made = schedule({ last_runs: [run({ status: 'due', started_at: null })] });
    const server = withRun({ status: 'due', started_at: null, failure: null }, { 'POST schedules': made, 'GET schedules/bikes': made, 'DELETE schedules/bikes': {} });
    const { user } = open(server, { at: 'form', notebook: 'reports/bikes.ipynb' });
    await screen.findByText(/^Runs every day/);
    await user.click(screen.getByRole('button', { name: 'Schedule' }));
    expect(await screen.findByText(/Scheduled. First run started. Next: Tue 24 Nov 13:00 your time./)).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Undo' }));
    await waitFor(() => expect(server.to('DELETE schedules/bikes')).toHaveLength(1));
  });

  it('a copy starts with everything but the name', async () => {
    const other = schedule({ form: form({ timeout_minutes: 7 }) });
    open(serverWith({ 'GET schedules/bikes': other }), { at: 'form', notebook: null, from: 'bikes' });
    expect(await screen.findByLabelText('Job timeout (minutes)')).toHaveProperty('value', '7');
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', '');
  });

  it('without a notebook, one is asked for', async () => {
    open(serverWith(), { at: 'form', notebook: null });
    expect(await screen.findByText('Open a notebook to schedule it.')).toBeTruthy();
  });
});

describe('axe finds nothing', () => {
  it.each<[string, View, () => FakeServer, RegExp]>([
    ['list', { at: 'list' }, serverWith, /Every day/],
    ['form', { at: 'form', notebook: 'reports/bikes.ipynb' }, serverWith, /^Runs every day/],
    ['history', { at: 'history', schedule: 'bikes' }, serverWith, /Skipped and missed/],
    ['run', { at: 'run', run: ID }, () => withRun({}), /division by zero/]
  ])('in the %s', async (_, view, server, shown) => {
    const { container } = open(server(), view);
    await screen.findAllByText(shown);
    const { violations } = await axe.run(container, { rules: { region: { enabled: false }, 'color-contrast': { enabled: false } } });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  });
});

describe('The focus', () => {
  it('goes along when what had it goes away with its view', async () => {
    const { container, user } = open(serverWith(), { at: 'list' });
    (await screen.findByRole('link', { name: 'bikes' })).focus();
    await user.keyboard('{Enter}');
    await screen.findByRole('heading', { name: 'bikes' });
    expect(document.activeElement).toBe(container.querySelector('.jp-Schedule'));
  });

  it('stays on what is still there', async () => {
    const { user } = open(serverWith(), { at: 'list' });
    await user.click(await screen.findByRole('button', { name: 'Failing 1' }));
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Failing 1' }));
  });
});
