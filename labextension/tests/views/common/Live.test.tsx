/** The view stays fresh, or says why it doesn't. */
import { act, screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import type { View } from '../../../src/model/views';
import { run, schedule, status } from '../../support/factories';
import { ID, open, serverWith, withRun } from '../../support/openPanel';
import { FakeServer } from '../../support/server';

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

  it('so is what keeps a service that ticks from starting anything', async () => {
    open(serverWith({ 'GET status': status({ hindrance: 'Its disk is full.' }) }), { at: 'list' });
    expect((await screen.findByRole('alert')).textContent).toContain('Its disk is full.');
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
