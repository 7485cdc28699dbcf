/** A run’s page. */
import { act, screen, waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import { difference, failed, preview, run, schedule } from '../../support/factories';
import { ID, open, withRun } from '../../support/openPanel';
import type { Asked } from '../../support/server';
import { refusal } from '../../support/server';

describe('A run that wrote nothing', () => {
  it('says so, and leads to the output directory', async () => {
    const message = 'The notebook finished, but output/ is empty, so nothing was published.';
    const { user } = open(withRun({ ...run(), reason: 'empty_output', message }), { at: 'run', run: ID });
    expect(await screen.findByText(message)).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Change output directory' }));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Output directory')));
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
    expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({
      form: { files: ['data/bikes.csv'] },
      rebundle: true
    });
  });

  it('for want of a file that is nowhere says that', async () => {
    open(withRun({ message }, { 'POST preview': preview({ files: [{ ...file, status: 'missing' }] }) }), {
      at: 'run',
      run: ID
    });
    expect(
      await screen.findByText('FileNotFoundError: ../data/bikes.csv doesn’t exist here either. Cell 2 reads it.')
    ).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Add the file and run again' })).toBeNull();
  });

  it('by its time limit leads to the limit', async () => {
    const { user } = open(withRun({ status: 'timed_out', reason: 'time_limit' }), { at: 'run', run: ID });
    await user.click(await screen.findByRole('button', { name: 'Change timeout' }));
    await waitFor(() => expect(document.activeElement).toBe(screen.queryByLabelText('Job timeout (minutes)')));
  });

  it('runs again', async () => {
    const server = withRun(
      {},
      { [`POST runs/${ID}/retry`]: run({ run_id: 'again' }), 'GET runs/again': run({ run_id: 'again' }) }
    );
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
  const going = {
    status: 'running' as const,
    ended_at: null,
    seconds: null,
    failure: null,
    message: null,
    progress: [3, 6] as [number, number]
  };

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

describe('A notebook that was mended', () => {
  const edited = schedule({ version: 4, last_runs: [] });
  const differs = { ...difference(), state: 'differs' };

  it('is taken and run by one click', async () => {
    const next = run({ run_id: 'next' });
    const server = withRun(
      {},
      {
        'GET schedules/bikes': schedule(),
        'GET schedules/bikes/difference': differs,
        'PATCH schedules/bikes': edited,
        'POST schedules/bikes/run': next
      }
    );
    const save = vi.fn(async () => true);
    const { user } = open(server, { at: 'run', run: ID }, {}, { save });
    await user.click(await screen.findByRole('button', { name: 'Update and run' }));
    await waitFor(() => expect(server.to('POST schedules/bikes/run')).toHaveLength(1));
    expect(save).toHaveBeenCalledWith('reports/bikes.ipynb');
    expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({ form: {}, rebundle: true });
  });

  it('needs one more click where its results are public', async () => {
    let asked = 0;
    const refuse = () => (asked++ ? edited : refusal(422, 'public_unconfirmed', 'Look first.', 'visibility'));
    const server = withRun(
      {},
      {
        'GET schedules/bikes': schedule(),
        'GET schedules/bikes/difference': differs,
        'PATCH schedules/bikes': refuse,
        'POST schedules/bikes/run': run()
      }
    );
    const { user } = open(server, { at: 'run', run: ID });
    await user.click(await screen.findByRole('button', { name: 'Update and run' }));
    await user.click(await screen.findByRole('button', { name: 'I checked what will be public: update and run' }));
    await waitFor(() => expect(server.to('PATCH schedules/bikes')[1]!.body).toMatchObject({ public_confirmed: true }));
  });

  it('isn’t spoken of while it is what ran', async () => {
    const server = withRun({}, { 'GET schedules/bikes/difference': { ...difference(), state: 'same' } });
    open(server, { at: 'run', run: ID });
    await waitFor(() => expect(server.to('GET schedules/bikes/difference')).toHaveLength(1));
    expect(screen.queryByRole('button', { name: 'Update and run' })).toBeNull();
  });
});

describe('A trial', () => {
  it('is scheduled by one click, as it was tried', async () => {
    const server = withRun(
      { ...run(), trial: true },
      { 'GET schedules/bikes': schedule({ state: 'ended', version: 1 }), 'PATCH schedules/bikes': schedule() }
    );
    const { user } = open(server, { at: 'run', run: ID });
    await user.click(await screen.findByRole('button', { name: 'Schedule daily at 12:00 UTC' }));
    expect(await screen.findByRole('heading', { name: 'bikes' })).toBeTruthy();
    expect(server.to('PATCH schedules/bikes')[0]!.body).toMatchObject({ rebundle: false });
  });
});

describe('What a run left', () => {
  const file = {
    path: 'bikes.html',
    size: 10,
    sha256: 'x',
    url: '/base/jupyter-schedule/runs/1/files/report/bikes.html'
  };

  it('is shown in a frame that has an origin of its own', async () => {
    const { container, user } = open(withRun({ report: [file] }), { at: 'run', run: ID });
    await user.click(await screen.findByText('Executed notebook'));
    const frame = await waitFor(() => container.querySelector('iframe')!);
    const rights = frame.getAttribute('sandbox')!.split(' ');
    expect(rights).toContain('allow-scripts');
    expect(rights).not.toContain('allow-same-origin');
    expect(frame.getAttribute('src')).toBe(`${file.url}#papermill-error-cell`);
  });

  it('has links to open and to download, pictures as such', async () => {
    const picture = { ...file, path: 'plot.png', url: '/base/jupyter-schedule/publications/bikes/data/plot.png' };
    const publication = { url: '/base/jupyter-schedule/publications/bikes/', files: [picture] };
    open(withRun({ ...run({ publication }) }), { at: 'run', run: ID });
    expect((await screen.findByRole('link', { name: 'Open plot.png' })).getAttribute('href')).toBe(picture.url);
    expect(screen.getByRole('link', { name: 'Download plot.png' }).getAttribute('href')).toBe(
      `${picture.url}?download=1`
    );
    expect(screen.getByRole('img', { name: 'plot.png' })).toBeTruthy();
  });

  it('is shown as a table, or as JSON that unfolds, or why not', async () => {
    const outputs = ['rides.csv', 'facts.json', 'rides.parquet'].map(path => ({ ...file, path }));
    const server = withRun({ ...run({ outputs, archive: '/base/jupyter-schedule/runs/1/archive' }) });
    const nothing = { columns: [], rows: [], all_rows: null, all_columns: 0, text: '', whole: true };
    server.answer(`GET runs/${ID}/preview`, ({ query }: Asked) => {
      const table = { columns: ['station', 'rides'], rows: [['Berri 1', '841']], all_rows: 1200, all_columns: 2 };
      switch (query.get('file')) {
        case 'output/rides.csv':
          return { ...nothing, kind: 'table', ...table };
        case 'output/facts.json':
          return { ...nothing, kind: 'json', text: '{"rides": {"north": 3}}' };
        default:
          return refusal(422, 'no_preview', 'It can’t be read.');
      }
    });
    const { user } = open(server, { at: 'run', run: ID });
    expect(await screen.findByRole('columnheader', { name: 'rides' })).toBeTruthy();
    expect(screen.getByRole('cell', { name: '841' })).toBeTruthy();
    expect(screen.getByText('First 1 of 1200 rows, 2 columns')).toBeTruthy();
    const [, second, third] = screen.getAllByText('Preview');
    await user.click(second!);
    await user.click(await screen.findByText('rides: {1 entry}'));
    expect(screen.getByText('north:', { exact: false })).toBeTruthy();
    await user.click(third!);
    expect(await screen.findByText('It can’t be read.')).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Download all as .zip' }).getAttribute('href')).toContain('/archive');
  });
});
