import { fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';

import { Calendar } from '../../../src/views/schedules/Calendar';
import { HostProvider } from '../../../src/views/common/hostContext';
import { calendar, day } from '../../support/factories';
import { FakeServer, createHost, refusal } from '../../support/server';

const PLAN = {
  runs: 2,
  succeeded: 0,
  waiting: 0,
  first: '2026-11-10T12:00:00Z',
  last: '2026-11-12T12:00:00Z',
  confirm: false
};
const DAYS = [
  day('2026-11-10', 'failed', { run_id: 'r10' }),
  day('2026-11-11', 'missed'),
  day('2026-11-12', 'succeeded'),
  day('2026-11-24', 'not_yet')
];

function open(routes: Record<string, unknown> = {}) {
  const server = new FakeServer({
    'GET schedules/bikes/days': calendar({ days: DAYS }),
    'POST schedules/bikes/backfill': PLAN,
    ...routes
  });
  const go = vi.fn();
  const refresh = vi.fn();
  render(
    <HostProvider value={createHost(server)}>
      <Calendar name="bikes" timezone="UTC" go={go} refresh={refresh} />
    </HostProvider>
  );
  return { server, go, refresh, user: userEvent.setup() };
}

const cell = (name: RegExp) => screen.findByRole('button', { name });
const asked = (server: FakeServer) => server.to('POST schedules/bikes/backfill').map(({ body }) => body);

describe('The calendar', () => {
  it('says what became of each day, and explains only what is there', async () => {
    const { server } = open();
    expect((await cell(/^Tue 10 Nov: Failed/)).dataset.state).toBe('failed');
    expect(screen.getByRole('button', { name: /^Wed 11 Nov: Missed/ })).toBeTruthy();
    expect(screen.getByRole('button', { name: /^Sun 22 Nov: not due/ })).toBeTruthy();
    const legend = screen.getByRole('list', { name: 'What the days say' });
    expect(
      within(legend)
        .getAllByRole('listitem')
        .map(item => item.textContent)
    ).toEqual(['Succeeded', 'Failed', 'Missed', 'Not yet']);
    const { query } = server.to('GET schedules/bikes/days')[0]!;
    expect([query.get('first'), query.get('last')]).toEqual(['2026-11-01', '2026-11-30']);
  });

  it('goes from month to month and back', async () => {
    const { server, user } = open();
    await user.click(await screen.findByRole('button', { name: 'Month before' }));
    expect(await screen.findByRole('grid', { name: 'October 2026' })).toBeTruthy();
    await waitFor(() => expect(server.to('GET schedules/bikes/days').at(-1)!.query.get('first')).toBe('2026-10-01'));
    await user.click(screen.getByRole('button', { name: 'Today' }));
    expect(await screen.findByRole('grid', { name: 'November 2026' })).toBeTruthy();
  });

  it('says nothing of days that it doesn’t know yet', async () => {
    const { server, user } = open();
    await user.click(await screen.findByRole('button', { name: 'Month before' }));
    await screen.findByRole('button', { name: /^Thu 1 Oct: not due/ });
    server.answer('GET schedules/bikes/days', () => new Promise(() => undefined));
    await user.click(screen.getByRole('button', { name: 'Month before' }));
    const grid = screen.getByRole('grid', { name: 'September 2026' });
    expect(grid.getAttribute('aria-busy')).toBe('true');
    expect(within(grid).getByRole('button', { name: 'Tue 1 Sept' })).toBeTruthy();
    expect(screen.getByText('Loading…')).toBeTruthy();
  });

  it('tells of one day which data it is about, and leads to its run', async () => {
    const { go, user } = open();
    await user.click(await cell(/^Tue 10 Nov/));
    expect(screen.getByText(/Data from Mon 9 Nov 13:00 to Tue 10 Nov 13:00/)).toBeTruthy();
    await user.click(screen.getByRole('link', { name: 'Open run' }));
    expect(go).toHaveBeenCalledWith({ at: 'run', run: 'r10', schedule: 'bikes' });
  });
});

describe('Days are picked', () => {
  it('with the mouse, and run after it was said what that means', async () => {
    const { server, refresh, user } = open();
    await user.click(await cell(/^Tue 10 Nov/));
    await user.click(await cell(/^Thu 12 Nov/));
    const between = screen.getByRole('button', { name: /^Wed 11 Nov/ });
    expect(between.closest('td')!.getAttribute('aria-selected')).toBe('true');
    expect(await screen.findByText(/^2 runs, the oldest first, one after another/)).toBeTruthy();
    expect(asked(server).every(body => body.dry_run)).toBe(true);
    await user.click(screen.getByRole('button', { name: 'Start 2 runs' }));
    expect(await screen.findByText('2 runs queued.')).toBeTruthy();
    expect(asked(server).at(-1)).toMatchObject({ first_day: '2026-11-10', last_day: '2026-11-12', parallel: 1 });
    expect(refresh).toHaveBeenCalled();
  });

  it('with the keys: there is one stop, arrows move it, Enter picks, Shift stretches, Escape lets go', async () => {
    const { user } = open();
    const today = await cell(/^Mon 23 Nov/);
    expect(screen.getAllByRole('gridcell').flatMap(each => [...each.querySelectorAll('[tabindex="0"]')])).toEqual([
      today
    ]);
    today.focus();
    await user.keyboard('{ArrowUp}{ArrowLeft}{Enter}');
    expect(document.activeElement).toBe(screen.getByRole('button', { name: /^Sun 15 Nov/ }));
    await user.keyboard('{Shift>}{ArrowDown}{/Shift}');
    expect(screen.getByLabelText('From')).toHaveProperty('value', '2026-11-15');
    expect(screen.getByLabelText('To')).toHaveProperty('value', '2026-11-22');
    await user.keyboard('{Escape}');
    expect(screen.queryByLabelText('From')).toBeNull();
    await user.keyboard('{PageUp}');
    expect(await screen.findByRole('grid', { name: 'October 2026' })).toBeTruthy();
    await waitFor(() => expect(document.activeElement?.getAttribute('data-day')).toBe('2026-10-22'));
  });

  it('by their dates, with runs in parallel', async () => {
    const { server, user } = open();
    await user.click(await cell(/^Tue 10 Nov/));
    fireEvent.change(screen.getByLabelText('From'), { target: { value: '2026-01-01' } });
    await user.clear(screen.getByLabelText('Runs in parallel'));
    await user.type(screen.getByLabelText('Runs in parallel'), '4');
    await user.click(screen.getByLabelText('Also the times that have succeeded'));
    await waitFor(() =>
      expect(asked(server).at(-1)).toMatchObject({
        first_day: '2026-01-01',
        last_day: '2026-11-10',
        parallel: 4,
        again: true
      })
    );
    expect(await screen.findByText(/4 in parallel/)).toBeTruthy();
  });
});

describe('A backfill', () => {
  it('of very many runs wants a word first', async () => {
    const { server, user } = open({ 'POST schedules/bikes/backfill': { ...PLAN, runs: 9_000, confirm: true } });
    await user.click(await cell(/^Tue 10 Nov/));
    const start = await screen.findByRole('button', { name: 'Start 9,000 runs' });
    await user.click(start);
    expect(asked(server).every(body => body.dry_run)).toBe(true);
    await user.click(screen.getByLabelText('I want all 9,000 runs'));
    await user.click(start);
    await waitFor(() => expect(asked(server).at(-1)).toMatchObject({ confirmed: true }));
  });

  it('that was started can be followed by another of the same days', async () => {
    const { server, user } = open();
    await user.click(await cell(/^Tue 10 Nov/));
    await user.click(await screen.findByRole('button', { name: 'Start 2 runs' }));
    await screen.findByText('2 runs queued.');
    await user.click(screen.getByLabelText('Also the times that have succeeded'));
    await user.click(await screen.findByRole('button', { name: 'Start 2 runs' }));
    await waitFor(() =>
      expect(
        asked(server)
          .filter(body => !body.dry_run)
          .map(({ again }) => again)
      ).toEqual([false, true])
    );
    expect(await screen.findByText('2 runs queued.')).toBeTruthy();
  });

  it('that is too long is refused in words', async () => {
    const long = () =>
      refusal(422, 'too_many', 'That range has more than 10,000 times, the most at once. Choose a shorter one.', 'end');
    const { user } = open({ 'POST schedules/bikes/backfill': long });
    await user.click(await cell(/^Tue 10 Nov/));
    expect(await screen.findByText(/more than 10,000 times/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: /^Start/ })).toBeNull();
  });

  it('of days that wait already adds nothing, and says so', async () => {
    const { user } = open({
      'POST schedules/bikes/backfill': { ...PLAN, runs: 0, waiting: 3, first: null, last: null }
    });
    await user.click(await cell(/^Tue 10 Nov/));
    expect(await screen.findByText('Nothing to run. Left as they are: 3 wait or run already.')).toBeTruthy();
    expect(screen.queryByRole('button', { name: /^Start/ })).toBeNull();
  });

  it('tells how it gets on, and what is left of it can be cancelled', async () => {
    const going = calendar({ days: DAYS, asked: 60, waiting: 20, going: 3 });
    const { server, user } = open({
      'GET schedules/bikes/days': going,
      'DELETE schedules/bikes/backfill': { cancelled: 20 }
    });
    expect(await screen.findByText('37 of 60 past runs done, 3 running')).toBeTruthy();
    expect(screen.getByRole('progressbar')).toHaveProperty('value', 37);
    await user.click(screen.getByRole('button', { name: 'Cancel the 20 that are left' }));
    await waitFor(() => expect(server.to('DELETE schedules/bikes/backfill')).toHaveLength(1));
  });
});
