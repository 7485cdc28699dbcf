/** A schedule’s page. */
import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { schedule } from '../../support/factories';
import { open, serverWith } from '../../support/openPanel';
import { refusal } from '../../support/server';

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
    expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({
      form: { frequency: { at: '06:30' } },
      rebundle: false
    });
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
