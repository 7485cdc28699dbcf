/** The list of all schedules. */
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import { open, serverWith } from '../../support/openPanel';

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
