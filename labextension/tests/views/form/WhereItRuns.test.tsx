/** Where runs take place, in which role, and what that costs. */
import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { form, preview, schedule } from '../../support/factories';
import { button, created, open, sentence } from '../../support/openForm';
import { FakeServer } from '../../support/server';

const WORKERS = [
  { launcher: 'local', size: null, title: 'this computer', hardware: '', paid: false, hourly: null, data_roles: [] },
  {
    launcher: 'ec2',
    size: 'large',
    title: 'large',
    hardware: '8 cores, 32 GB',
    paid: true,
    hourly: '0.384',
    data_roles: ['weather']
  }
];

describe('A schedule is made', () => {
  it('on a machine of a size, where the service has any, with its hardware in sight', async () => {
    const server = new FakeServer({ 'POST preview': preview({ workers: WORKERS }), 'POST schedules': schedule() });
    const { user, done } = open(server);
    const where = await screen.findByRole('group', { name: 'Where it runs' });
    expect(within(where).getByLabelText('This computer')).toHaveProperty('checked', true);
    await user.click(within(where).getByLabelText(/^large 8 cores, 32 GB/));
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(created(server)).toMatchObject([{ form: { launcher: 'ec2', size: 'large' }, rehearse: true }]);
  });

  it('on a machine at once, when the box that asks for a rehearsal is cleared', async () => {
    const server = new FakeServer({ 'POST preview': preview({ workers: WORKERS }), 'POST schedules': schedule() });
    const { user, done } = open(server);
    await user.click(within(await screen.findByRole('group', { name: 'Where it runs' })).getByLabelText(/^large/));
    await user.click(screen.getByRole('checkbox', { name: 'Run once now; start the schedule when it succeeds' }));
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(created(server)).toMatchObject([{ run_now: false, rehearse: false }]);
  });

  it('on a machine with what that costs, and the most that it may cost in a month', async () => {
    const told = { run: '0.02', month: '0.62', runs: 31, seconds: 200, measured: true, text: 'About $0.02 a run.' };
    const server = new FakeServer({
      'POST preview': preview({ workers: WORKERS, estimate: told }),
      'POST schedules': schedule()
    });
    const { user, done } = open(server);
    await user.click(within(await screen.findByRole('group', { name: 'Where it runs' })).getByLabelText(/^large/));
    expect(screen.getByText('About $0.02 a run.')).toBeTruthy();
    await user.type(screen.getByLabelText('Monthly cap (dollars)'), '12.50');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(created(server)).toMatchObject([{ form: { policies: { monthly_cap: '12.50' } } }]);
  });

  it('without a word about where, when there is one place only', async () => {
    open(new FakeServer({ 'POST preview': preview({ workers: WORKERS.slice(0, 1) }) }));
    await sentence();
    expect(screen.queryByRole('group', { name: 'Where it runs' })).toBeNull();
  });

  it('in a role for data, where the operator named any, and without it elsewhere', async () => {
    const server = new FakeServer({ 'POST preview': preview({ workers: WORKERS }), 'POST schedules': schedule() });
    const { user, done } = open(server);
    const where = await screen.findByRole('group', { name: 'Where it runs' });
    expect(screen.queryByLabelText('Role for data')).toBeNull();
    await user.click(within(where).getByLabelText(/^large/));
    expect(screen.getByLabelText('Role for data')).toHaveProperty('value', '');
    await user.selectOptions(screen.getByLabelText('Role for data'), 'weather');
    await user.click(within(where).getByLabelText('This computer'));
    expect(screen.queryByLabelText('Role for data')).toBeNull();
    await user.click(within(where).getByLabelText(/^large/));
    await user.selectOptions(screen.getByLabelText('Role for data'), 'weather');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(created(server)).toMatchObject([{ form: { launcher: 'ec2', data_role: 'weather' } }]);
  });

  it('in a role that is gone says so beside the role, which can be dropped', async () => {
    const problem = {
      code: 'no_such_data_role',
      message: 'There is no data role “old”. Choose one of weather.',
      field: 'data_role'
    };
    const server = new FakeServer({ 'POST preview': preview({ workers: WORKERS, problems: [problem] }) });
    const { user } = open(server, { presets: form({ launcher: 'ec2', size: 'large', data_role: 'old' }) });
    const role = await screen.findByLabelText('Role for data');
    expect(within(role).getByRole('option', { name: 'old, which is gone' })).toHaveProperty('selected', true);
    await user.click(button('Schedule'));
    await waitFor(() => expect(document.activeElement).toBe(role));
    expect(document.getElementById(role.getAttribute('aria-describedby')!)!.textContent).toBe(problem.message);
    await user.selectOptions(role, 'None');
    await waitFor(() => expect(server.to('POST preview').at(-1)!.body.data_role).toBeNull());
  });
});
