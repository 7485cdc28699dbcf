/** The fields behind the form’s fold. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { preview, schedule } from '../../support/factories';
import { button, created, open, sentence } from '../../support/openForm';
import { FakeServer } from '../../support/server';

describe('A schedule is made', () => {
  it('with the bounds that are asked for behind the fold, and what is wrong with them beside the field', async () => {
    const problem = { code: 'bad_end', message: 'The end is before the start.', field: 'end' };
    const server = new FakeServer({
      'POST preview': preview({ problems: [problem] }),
      'POST schedules': schedule()
    });
    const { user } = open(server);
    await user.click(screen.getByText('More options'));
    await user.type(await screen.findByLabelText('Number of runs'), '12');
    await user.clear(screen.getByLabelText('Retries'));
    await user.type(screen.getByLabelText('Retries'), '2');
    await user.click(button('Schedule'));
    await screen.findByText('The end is before the start.');
    expect(screen.getByLabelText('Last day (UTC)').getAttribute('aria-invalid')).toBe('true');
    await waitFor(() =>
      expect(server.to('POST preview').at(-1)!.body).toMatchObject({ policies: { max_runs: 12, retries: 2 } })
    );
  });

  it('with who is told of what, among the channels that the operator named', async () => {
    const problem = { code: 'no_such_channel', message: 'There is no channel “gone”.', field: 'notify' };
    const server = new FakeServer({
      'POST preview': preview({ channels: ['ops', 'team'], problems: [problem] }),
      'POST schedules': schedule()
    });
    const { user } = open(server);
    await user.click(screen.getByText('More options'));
    const channels = await screen.findByRole('group', { name: 'Notify' });
    expect(screen.queryByRole('group', { name: 'Notify when' })).toBeNull();
    await user.click(within(channels).getByLabelText('team'));
    await user.click(within(screen.getByRole('group', { name: 'Notify when' })).getByLabelText('It succeeded again'));
    fireEvent.change(screen.getByLabelText('Alert if nothing is published by'), { target: { value: '09:00' } });
    await user.click(button('Schedule'));
    await within(channels).findByText('There is no channel “gone”.');
    await waitFor(() =>
      expect(server.to('POST preview').at(-1)!.body).toMatchObject({
        notify: { channels: ['team'], on: ['failure', 'time_out', 'auto_pause', 'silence'], silence_by: '09:00' }
      })
    );
  });

  it('with an output contract, a line for each pattern', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user, done } = open(server);
    await sentence();
    await user.click(screen.getByText('More options'));
    await user.type(await screen.findByLabelText('Output contract'), 'a.csv rows>=10{Enter}*.png');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(created(server)).toMatchObject([{ form: { expect: ['a.csv rows>=10', '*.png'] } }]);
  });

  it('with its kernel, packages, variables and previous files', async () => {
    const server = new FakeServer({
      'POST preview': preview({ requirements_source: 'requirements.txt' }),
      'POST schedules': schedule(),
      'GET kernels': [{ name: 'ir', display_name: 'R', language: 'R' }]
    });
    const { user, done } = open(server);
    await sentence();
    await user.click(screen.getByText('More options'));
    await user.selectOptions(await screen.findByLabelText('Kernel'), await screen.findByRole('option', { name: 'R' }));
    expect(screen.getByText('Requirements are taken from requirements.txt.')).toBeTruthy();
    await user.selectOptions(screen.getByLabelText('Packages'), 'fresh');
    await user.type(screen.getByLabelText('Environment variables'), 'TOKEN{Enter}REGION');
    await user.type(screen.getByLabelText('Previous files'), '*.csv');
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(created(server)).toMatchObject([
      { form: { kernel: 'ir', environment: 'fresh', env: ['TOKEN', 'REGION'], previous: ['*.csv'] } }
    ]);
  });

  it('and a kernel that is missing is told where another is picked', async () => {
    const problem = { code: 'kernel_missing', message: 'The kernel "julia" isn’t installed here.', field: 'kernel' };
    const server = new FakeServer({ 'POST preview': preview({ problems: [problem] }), 'GET kernels': [] });
    const { user } = open(server);
    await screen.findByText(/Correct what is marked|^Runs every day/);
    await user.click(button('Schedule'));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Kernel')));
    expect(screen.getByText('The kernel "julia" isn’t installed here.')).toBeTruthy();
    expect(server.to('POST schedules')).toHaveLength(0);
  });
});
