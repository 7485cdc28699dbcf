/** The keyboard’s focus after what had it is gone: near by, never lost. */
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { describe, expect, it } from 'vitest';

import { Panel } from '../../../src/views/Panel';
import type { View } from '../../../src/model/views';
import { calendar, day, difference, schedule, status, version } from '../../support/factories';
import { FakeServer, createHost } from '../../support/server';

const PLAN = {
  runs: 2,
  succeeded: 0,
  waiting: 0,
  first: '2026-11-10T12:00:00Z',
  last: '2026-11-12T12:00:00Z',
  confirm: false
};

function Holder({ server, start }: { server: FakeServer; start: View }) {
  const [host] = useState(() => createHost(server));
  const [view, go] = useState(start);
  return <Panel host={host} view={view} go={go} visible notebook={null} />;
}

function open(at: 'history' | 'versions', routes: Record<string, unknown> = {}) {
  const server = new FakeServer({
    'GET status': status(),
    'GET schedules/bikes': schedule(),
    'GET schedules/bikes/runs': [],
    'GET schedules/bikes/versions': [version(3), version(2)],
    'GET schedules/bikes/difference': difference({ state: 'same' }),
    'GET schedules/bikes/days': calendar({ days: [day('2026-11-10', 'failed')] }),
    'POST schedules/bikes/backfill': PLAN,
    ...routes
  });
  render(<Holder server={server} start={{ at, schedule: 'bikes' }} />);
  return { server, user: userEvent.setup() };
}

async function openCalendar(routes: Record<string, unknown> = {}) {
  const opened = open('history', routes);
  (await screen.findByText('Calendar and past days')).closest('details')!.open = true;
  await screen.findByRole('grid');
  return opened;
}

/** Press what has that name, by the keyboard. */
async function press(user: ReturnType<typeof userEvent.setup>, name: string | RegExp) {
  (await screen.findByRole('button', { name })).focus();
  await user.keyboard('{Enter}');
}

const focused = () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent;

describe('The focus stays near when what had it goes away:', () => {
  it('from Today to the month’s other buttons', async () => {
    const { user } = await openCalendar();
    await press(user, 'Month before');
    await press(user, 'Today');
    await waitFor(() => expect(focused()).toBe('Month after'));
  });

  it('from Start to Done, and from there to the day', async () => {
    const { user } = await openCalendar();
    await press(user, /^Tue 10 Nov/);
    await press(user, 'Start 2 runs');
    await waitFor(() => expect(focused()).toBe('Done'));
    await user.keyboard('{Enter}');
    await waitFor(() => expect(focused()).toBe('Tue 10 Nov: Failed'));
  });

  it('from Clear to the day', async () => {
    const { user } = await openCalendar();
    await press(user, /^Tue 10 Nov/);
    await press(user, 'Clear');
    await waitFor(() => expect(focused()).toBe('Tue 10 Nov: Failed'));
  });

  it('from Cancel to what comes after the progress', async () => {
    const going = calendar({ asked: 3, waiting: 2, going: 1 });
    const { server, user } = await openCalendar({
      'GET schedules/bikes/days': going,
      'DELETE schedules/bikes/backfill': { cancelled: 2 }
    });
    await screen.findByText('0 of 3 past runs done, 1 running');
    server.answer('GET schedules/bikes/days', calendar());
    await press(user, 'Cancel the 2 that are left');
    await waitFor(() => expect(focused()).toBe('Month before'));
  });

  it.each(['history', 'versions'] as const)('from Update to its neighbour, in the %s', async at => {
    const { server, user } = open(at, { 'GET schedules/bikes/difference': difference() });
    await screen.findByRole('button', { name: 'Update the schedule' });
    server.answer('PATCH schedules/bikes', () => {
      server.answer('GET schedules/bikes', schedule({ version: 4 }));
      server.answer('GET schedules/bikes/versions', [version(4), version(3), version(2)]);
      server.answer('GET schedules/bikes/difference', difference({ state: 'same' }));
      return schedule({ version: 4 });
    });
    await press(user, 'Update the schedule');
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Update the schedule' })).toBeNull());
    const neighbour =
      at === 'history' ? screen.getByRole('link', { name: 'All versions' }) : screen.getByLabelText('To');
    await waitFor(() => expect(document.activeElement).toBe(neighbour));
  });

  it('on Go back, which is still there, and from Undo to it', async () => {
    const { server, user } = open('versions');
    server.answer('POST schedules/bikes/rollback', () => {
      server.answer('GET schedules/bikes', schedule({ version: 4 }));
      server.answer('GET schedules/bikes/versions', [version(4), version(3), version(2)]);
      return schedule({ version: 4 });
    });
    await press(user, 'Go back to version 2');
    await screen.findByText('Version 4, in use');
    expect(focused()).toBe('Go back to version 2');
    await press(user, 'Undo');
    await waitFor(() => expect(focused()).toBe('Go back to version 2'));
  });

  it('but from what it had left it goes nowhere', async () => {
    const { user } = await openCalendar();
    await press(user, 'Month before');
    const today = await screen.findByRole('button', { name: 'Today' });
    today.focus();
    today.blur();
    await act(async () => fireEvent.click(today));
    expect(today.isConnected).toBe(false);
    expect(document.activeElement).toBe(document.body);
  });
});
