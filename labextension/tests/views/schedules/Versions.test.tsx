import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { useState } from 'react';
import { describe, expect, it, vi } from 'vitest';

import type { Host } from '../../../src/views/common/hostContext';
import { Panel } from '../../../src/views/Panel';
import type { View } from '../../../src/model/views';
import { calendar, cell, day, difference, form, schedule, status, version } from '../../support/factories';
import type { Asked } from '../../support/server';
import { FakeServer, createHost, refusal } from '../../support/server';

function Holder({ host, start, visible = true }: { host: Host; start: View; visible?: boolean }) {
  const [view, go] = useState(start);
  return <Panel host={host} view={view} go={go} visible={visible} notebook={null} />;
}

function open(at: 'history' | 'versions', routes: Record<string, unknown> = {}, changes: Partial<Host> = {}) {
  const server = new FakeServer({
    'GET status': status(),
    'GET schedules/bikes': schedule(),
    'GET schedules/bikes/runs': [],
    'GET schedules/bikes/versions': [version(3), version(2, { author: 'ann' }), version(1)],
    'GET schedules/bikes/difference': difference({ cells: [cell()] }),
    'POST schedules/bikes/rollback': schedule({ version: 4 }),
    'PATCH schedules/bikes': schedule({ version: 4 }),
    'POST schedules/bikes/pause': schedule({ state: 'paused' }),
    ...routes
  });
  const host = createHost(server, changes);
  const start = { at, schedule: 'bikes' };
  const view = render(<Holder host={host} start={start} />);
  const show = (visible: boolean) => view.rerender(<Holder host={host} start={start} visible={visible} />);
  return { server, user: userEvent.setup(), show, ...view };
}

const compared = (server: FakeServer) =>
  server.to('GET schedules/bikes/difference').map(({ query }) => [query.get('before'), query.get('after')]);

describe('In the history', () => {
  it('it is said that the notebook has changed, and one click updates the schedule', async () => {
    const { server, user } = open('history');
    expect(await screen.findByText('The notebook has changed since it was scheduled: 1 cell differs.')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Update the schedule' }));
    await waitFor(() => expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({ form: {}, rebundle: true }));
    expect(server.to('PATCH schedules/bikes')[0]!.headers.get('If-Match')).toBe('3');
  });

  it('it is looked at again after a save', async () => {
    let saved: () => void = () => undefined;
    const onSaved = (_: string, listener: () => void) => ((saved = listener), () => undefined);
    const { server } = open(
      'history',
      { 'GET schedules/bikes/difference': difference({ state: 'same' }) },
      { onSaved }
    );
    expect(await screen.findByText('The notebook is as it was scheduled.')).toBeTruthy();
    server.answer('GET schedules/bikes/difference', difference({ cells: [cell(), cell()] }));
    saved();
    expect(await screen.findByText(/2 cells differ/)).toBeTruthy();
  });

  it('it isn’t looked at while nobody can see it, and then once', async () => {
    let saved: () => void = () => undefined;
    const onSaved = (_: string, listener: () => void) => ((saved = listener), () => undefined);
    const { server, show } = open(
      'history',
      { 'GET schedules/bikes/difference': difference({ state: 'same' }) },
      { onSaved }
    );
    await screen.findByText('The notebook is as it was scheduled.');
    show(false);
    act(() => saved());
    act(() => saved());
    expect(compared(server)).toHaveLength(1);
    show(true);
    await waitFor(() => expect(compared(server)).toHaveLength(2));
  });

  it('the calendar that was folded away keeps what was picked, and asks for nothing', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { server } = open('history', {
      'GET schedules/bikes/days': calendar({ days: [day('2026-11-10', 'failed')], asked: 3, waiting: 2, going: 1 }),
      'POST schedules/bikes/backfill': { runs: 1, succeeded: 0, waiting: 0, first: null, last: null, confirm: false }
    });
    const fold = (await screen.findByText('Calendar and past days')).closest('details')!;
    const asked = () => server.to('GET schedules/bikes/days').length;
    fold.open = true;
    fireEvent.click(await screen.findByRole('button', { name: /^Tue 10 Nov/ }));
    await act(() => vi.advanceTimersByTimeAsync(3_000));
    expect(asked()).toBeGreaterThan(2);
    fold.open = false;
    await act(() => vi.advanceTimersByTimeAsync(1_000));
    const before = asked();
    await act(() => vi.advanceTimersByTimeAsync(60_000));
    expect(asked()).toBe(before);
    fold.open = true;
    await waitFor(() => expect(asked()).toBeGreaterThan(before));
    expect(screen.getByLabelText('From')).toHaveProperty('value', '2026-11-10');
  });

  it('of a notebook that was deleted it is said that the schedule runs on, and nothing can be updated', async () => {
    const message = 'reports/bikes.ipynb isn’t there any more. The schedule runs on from its own copy of it.';
    open('history', { 'GET schedules/bikes/difference': difference({ state: 'gone', message }) });
    expect(await screen.findByText(message)).toBeTruthy();
    expect(screen.queryByRole('button', { name: /Use the notebook|Update/ })).toBeNull();
  });

  it('the difference is one click away', async () => {
    const { user } = open('history');
    await user.click(await screen.findByRole('button', { name: 'See the difference' }));
    expect(await screen.findByRole('heading', { name: 'Compare' })).toBeTruthy();
  });

  it('why it is paused is said in place', async () => {
    const { server, user } = open('history', { 'GET schedules/bikes': schedule({ state: 'paused' }) });
    await user.click(await screen.findByRole('button', { name: 'Say why it is paused' }));
    await user.keyboard('Moving house{Enter}');
    await waitFor(() => expect(server.to('POST schedules/bikes/pause')[0]!.body).toEqual({ note: 'Moving house' }));
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Say why it is paused'));
  });

  it('and Escape leaves the note as it was', async () => {
    const paused = { by: 'local', at: '2026-11-22T10:00:00Z', note: 'Moving house' };
    const { server, user } = open('history', { 'GET schedules/bikes': schedule({ state: 'paused', paused }) });
    await user.click(await screen.findByRole('button', { name: 'Change why it is paused' }));
    expect(screen.getByLabelText('Why it is paused')).toHaveProperty('value', 'Moving house');
    await user.keyboard('x{Escape}');
    expect(server.to('POST schedules/bikes/pause')).toEqual([]);
  });
});

describe('The versions', () => {
  it('begin with the one in use beside the notebook, its lines with signs, as text', async () => {
    const hostile = cell({ lines: [{ kind: 'added', text: '<img src=x onerror=alert(1)>' }] });
    const { server, container } = open('versions', {
      'GET schedules/bikes/difference': difference({ cells: [hostile] })
    });
    const figure = (await screen.findByText('Cell 2 changed')).closest('figure')!;
    expect(figure.querySelector('ins')!.textContent).toBe('+<img src=x onerror=alert(1)>');
    expect(container.querySelector('img')).toBeNull();
    expect(compared(server)[0]).toEqual(['3', null]);
  });

  it('are compared any with any other, in the form’s own words and by their files', async () => {
    const told = difference({
      before: { ...version(1), form: form() },
      after: { ...version(2), form: form({ timeout_minutes: 7 }) },
      files: [{ path: 'rides.csv', kind: 'changed' }]
    });
    const { server, user } = open('versions', { 'GET schedules/bikes/difference': told });
    await user.selectOptions(await screen.findByLabelText('From'), 'Version 1');
    await user.selectOptions(screen.getByLabelText('To'), 'Version 2');
    await waitFor(() => expect(compared(server).at(-1)).toEqual(['1', '2']));
    expect(await screen.findByText('7, was 120')).toBeTruthy();
    expect(within(screen.getByRole('list', { name: 'Other files' })).getByText('rides.csv')).toBeTruthy();
  });

  it('tell who saved them, and one click goes back, which can be undone', async () => {
    const { server, user } = open('versions');
    const rows = within(await screen.findByRole('list', { name: 'Versions' })).getAllByRole('listitem');
    expect(rows[0]!.textContent).toContain('Version 3, in use');
    expect(rows[1]!.textContent).toContain('by ann');
    await user.click(screen.getByRole('button', { name: 'Go back to version 2' }));
    await waitFor(() =>
      expect(server.to('POST schedules/bikes/rollback')[0]!.body).toEqual({ version: 2, public_confirmed: false })
    );
    expect(server.to('POST schedules/bikes/rollback')[0]!.headers.get('If-Match')).toBe('3');
    expect(await screen.findByText(/Version 4 does what version 2 did/)).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Undo' }));
    await waitFor(() =>
      expect(server.to('POST schedules/bikes/rollback')[1]!.body).toEqual({ version: 3, public_confirmed: false })
    );
    expect(server.to('POST schedules/bikes/rollback')[1]!.headers.get('If-Match')).toBe('4');
  });

  it('go back to what is public only after a person’s word, with the meaning in sight', async () => {
    const meaning = 'Anyone on the internet can read these files. Look at what will be public, then confirm it.';
    const { server, user } = open('versions', {
      'POST schedules/bikes/rollback': ({ body }: Asked) =>
        body.public_confirmed ? schedule({ version: 4 }) : refusal(409, 'public_unconfirmed', meaning, 'visibility')
    });
    await user.click(await screen.findByRole('button', { name: 'Go back to version 2' }));
    expect((await screen.findByRole('alert')).textContent).toContain(meaning);
    await user.click(screen.getByRole('button', { name: 'I checked it: publish' }));
    expect(await screen.findByText(/Version 4 does what version 2 did/)).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
    expect(server.to('POST schedules/bikes/rollback').map(({ body }) => body.public_confirmed)).toEqual([false, true]);
  });

  it('go back from what is public, which Undo makes public again', async () => {
    const { server, user } = open('versions', {
      'GET schedules/bikes': schedule({ form: form({ visibility: 'public' }) })
    });
    await user.click(await screen.findByRole('button', { name: 'Go back to version 2' }));
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    await waitFor(() =>
      expect(server.to('POST schedules/bikes/rollback')[1]!.body).toEqual({ version: 3, public_confirmed: true })
    );
  });

  it('axe finds nothing in them', async () => {
    const { container } = open('versions');
    await screen.findByRole('figure');
    const { violations } = await axe.run(container, {
      rules: { region: { enabled: false }, 'color-contrast': { enabled: false } }
    });
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  });
});
