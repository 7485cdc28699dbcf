/** The form’s fields, and what is wrong in them. */
import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { parameter, preview, schedule } from '../../support/factories';
import { button, created, open, sentence } from '../../support/openForm';
import { FakeServer, refusal } from '../../support/server';

describe('The fields', () => {
  it('of a frequency appear with it', async () => {
    const { user } = open(new FakeServer({ 'POST preview': preview() }));
    const frequency = screen.getByLabelText('Schedule frequency');
    await user.selectOptions(frequency, 'Weekly');
    const days = screen.getByRole('group', { name: 'Day of week' });
    expect(within(days).getByRole('checkbox', { name: 'Mon' })).toHaveProperty('checked', true);
    await user.selectOptions(frequency, 'Monthly');
    expect(screen.getByLabelText('Day of month')).toBeTruthy();
    await user.selectOptions(screen.getByLabelText('Day of month'), '31');
    expect(screen.getByText(/Skips the 5 months/)).toBeTruthy();
    await user.selectOptions(frequency, 'Cron expression');
    expect(screen.queryByLabelText(/Time of day/)).toBeNull();
  });

  it('keep the time of day when the reader’s zone is taken', async () => {
    const { user } = open(new FakeServer({ 'POST preview': preview() }));
    await user.click(button('Use my time zone'));
    expect(screen.getByLabelText('Time of day (Europe/Paris)')).toHaveProperty('value', '12:00');
    await user.click(button('Use UTC'));
    expect(screen.getByLabelText('Time of day (UTC)')).toBeTruthy();
  });

  it('of parameters have the notebook’s types and values, and only changes are sent', async () => {
    const parameters = [
      parameter(),
      parameter({ name: 'since', type: 'date', default: '2012-03-01' }),
      parameter({ name: 'verbose', type: 'boolean', default: true }),
      parameter({ name: 'run_id', type: 'text', default: '' })
    ];
    const server = new FakeServer({
      'POST preview': preview({ parameters, filled: ['run_id'] }),
      'POST schedules': schedule()
    });
    const { user } = open(server);
    expect(await screen.findByLabelText('since')).toHaveProperty('type', 'date');
    expect(screen.getByText('Filled by every run: run_id')).toBeTruthy();
    await user.clear(screen.getByLabelText('month'));
    await user.type(screen.getByLabelText('month'), '4');
    await user.click(screen.getByLabelText('verbose'));
    await user.click(screen.getByLabelText('verbose'));
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0].form.parameters).toEqual({ month: '4' }));
  });

  it('can’t choose public where no public area is set up', async () => {
    open(new FakeServer({ 'POST preview': preview() }));
    await sentence();
    expect(screen.getByRole('radio', { name: 'Public' })).toHaveProperty('disabled', true);
  });

  it('say what publishing costs where each file does', async () => {
    const publishing_cost =
      'The last run left 2,000 files; publishing 2,000 files costs about $0.03 for requests alone, each time.';
    open(new FakeServer({ 'POST preview': preview({ publishing_cost }) }));
    await sentence();
    const group = screen.getByRole('group', { name: 'Publish results' });
    expect(document.getElementById(group.getAttribute('aria-describedby')!)!.textContent).toBe(
      `Keeps results in the folder published/bikes. No public area is set up here. ${publishing_cost}`
    );
  });

  it('ask for a look before anything is public', async () => {
    const server = new FakeServer({ 'POST preview': preview({ can_be_public: true }), 'POST schedules': schedule() });
    const { user } = open(server);
    await sentence();
    await user.click(screen.getByRole('radio', { name: 'Public' }));
    await user.click(button('Schedule'));
    expect(await screen.findByText(/Look at what will be public first/)).toBeTruthy();
    expect(created(server)).toEqual([]);
    await user.click(screen.getByRole('checkbox', { name: 'I checked what will be public' }));
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0].form.visibility).toBe('public'));
  });

  it('show a value that a control outside decides', async () => {
    const server = new FakeServer({
      'POST preview': preview({ parameters: [parameter()] }),
      'POST schedules': schedule()
    });
    const { user } = open(server, { values: { month: 7 } });
    expect(await screen.findByLabelText('month')).toHaveProperty('value', '7');
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0].form.parameters).toEqual({ month: 7 }));
  });
});

describe('What is wrong is said beside its field', () => {
  const problem = { code: 'bad_time', message: '“25” isn’t a time of day.', field: 'at' };

  it('after the field was left, not while it is typed', async () => {
    const server = new FakeServer({ 'POST preview': preview({ problems: [problem], bundle: null }) });
    const { user } = open(server);
    const time = screen.getByLabelText('Time of day (UTC)');
    await user.clear(time);
    await user.type(time, '25');
    await waitFor(() => expect(server.to('POST preview').length).toBeGreaterThan(1));
    expect(screen.queryByText(problem.message)).toBeNull();
    await user.tab();
    expect(await screen.findByText(problem.message)).toBeTruthy();
    expect(time.getAttribute('aria-invalid')).toBe('true');
    expect(document.getElementById(time.getAttribute('aria-describedby')!)!.textContent).toBe(problem.message);
  });

  it('with the focus on the first one when it is sent all the same', async () => {
    const server = new FakeServer({ 'POST preview': preview({ problems: [problem], bundle: null, summary: '' }) });
    const { user } = open(server);
    await screen.findByText(/Correct what is marked/);
    await user.click(button('Schedule'));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Time of day (UTC)')));
    expect(created(server)).toEqual([]);
  });

  it('also when the server says it late, with what it offers instead', async () => {
    const taken = () => refusal(409, 'name_taken', '“bikes” is taken. Try “bikes-2”.', 'name');
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': taken });
    const { user } = open(server);
    await sentence();
    await user.click(button('Schedule'));
    await user.click(await screen.findByRole('button', { name: 'Use bikes-2' }));
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes-2');
    expect(screen.queryByText(/is taken/)).toBeNull();
  });

  it('and a limit behind the fold unfolds it', async () => {
    const server = new FakeServer({ 'POST preview': preview() });
    const { user, container } = open(server);
    await sentence();
    await user.click(screen.getByText('More options'));
    await user.clear(await screen.findByLabelText('Job timeout (minutes)'));
    await user.click(screen.getByText('More options'));
    await user.click(button('Schedule'));
    expect(container.querySelector('details.jp-Schedule-more')).toHaveProperty('open', true);
    expect(created(server)).toEqual([]);
  });
});
