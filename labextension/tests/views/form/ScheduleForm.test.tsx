/** The form from its opening to what is recorded. */
import { act, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import { form, parameter, preview, schedule } from '../../support/factories';
import { NOTEBOOK, button, created, open, sentence } from '../../support/openForm';
import { FakeServer, refusal } from '../../support/server';

describe('Two clicks make a daily schedule', () => {
  it('with the bundle that was previewed and a run now', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user, done } = open(server);
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledWith(schedule()));
    const first = { run_now: true, first_run: true, once_only: false };
    expect(created(server)).toEqual([{ form: form(), bundle: 'd'.repeat(64), ...first }]);
  });

  it('with the name in focus, selected, and every label that people know', async () => {
    open(new FakeServer({ 'POST preview': preview() }));
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes');
    expect(document.activeElement).toBe(screen.getByLabelText('Job name'));
    await sentence();
    for (const label of ['Schedule frequency', 'Time of day (UTC)', 'Output directory']) {
      expect(screen.getByLabelText(label)).toBeTruthy();
    }
    for (const group of ['Code tarball', 'Publish results', 'Parameters']) {
      expect(screen.getByRole('group', { name: group })).toBeTruthy();
    }
    expect(screen.getByRole('checkbox', { name: 'Run once now; start the schedule when it succeeds' })).toHaveProperty(
      'checked',
      true
    );
  });

  it('without the mouse', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user, done } = open(server);
    await sentence();
    await user.keyboard('{Control>}{Enter}{/Control}');
    await waitFor(() => expect(done).toHaveBeenCalled());
  });

  it('of the notebook as it is on disk when unsaved edits had to be saved first', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const save = vi.fn(async () => true);
    const { user } = open(server, {}, { save });
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)).toHaveLength(1));
    expect(save).toHaveBeenCalledWith(NOTEBOOK);
    expect(created(server)[0].bundle).toBeNull();
  });

  it('or one run and no schedule', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const { user } = open(server);
    await sentence();
    await user.click(button('Run once only'));
    await waitFor(() => expect(created(server)[0]).toMatchObject({ run_now: true, once_only: true }));
  });
});

describe('Unsaved edits of the notebook', () => {
  it('are told of as long as there are any', async () => {
    let tell: (unsaved: boolean) => void = () => undefined;
    const watchUnsaved = (_: string, listener: (unsaved: boolean) => void) => ((tell = listener), () => undefined);
    open(new FakeServer({ 'POST preview': preview() }), {}, { watchUnsaved });
    await sentence();
    expect(screen.queryByText(/^Unsaved/)).toBeNull();
    act(() => tell(true));
    expect(screen.getByText('Unsaved changes will be saved first.')).toBeTruthy();
    act(() => tell(false));
    expect(screen.queryByText(/^Unsaved/)).toBeNull();
  });
});

describe('A draft', () => {
  it('is there when the form is opened again, and can be thrown away', async () => {
    const server = new FakeServer({ 'POST preview': preview() });
    const first = open(server);
    await first.user.type(screen.getByLabelText('Job name'), '-x');
    first.unmount();
    const { user } = open(server);
    expect(screen.getByLabelText('Job name')).not.toHaveProperty('value', 'bikes');
    await user.click(button('Start over'));
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes');
  });

  it('is gone once it was scheduled', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'POST schedules': schedule() });
    const first = open(server);
    await first.user.type(screen.getByLabelText('Job name'), '-x');
    await first.user.click(button('Schedule'));
    await waitFor(() => expect(first.done).toHaveBeenCalled());
    first.unmount();
    open(server);
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes');
  });
});

describe('The code tarball', () => {
  const finding = {
    level: 'warning',
    code: 'left',
    message: 'lookup.csv (cell 5) isn’t sent.',
    cell: 5,
    fix: 'data/lookup.csv'
  };

  it('takes a missing file in by one click', async () => {
    const server = new FakeServer({
      'POST preview': ({ body }: { body: { files: string[] } }) =>
        preview({ findings: body.files.length ? [] : [finding] })
    });
    const { user } = open(server);
    await user.click(await screen.findByRole('button', { name: 'Add data/lookup.csv' }));
    await waitFor(() => expect(screen.queryByText(finding.message)).toBeNull());
    expect(server.to('POST preview').pop()!.body.files).toEqual(['data/lookup.csv']);
  });

  it('is reviewed in a sheet that Escape closes, with the focus where it was', async () => {
    const files = [
      { path: NOTEBOOK, size: 900, status: 'included', why: 'the notebook', cell: null },
      { path: 'data/a.csv', size: 1200, status: 'included', why: 'cell 3 reads it', cell: 3 }
    ];
    const server = new FakeServer({ 'POST preview': preview({ files }) });
    const { user } = open(server);
    await screen.findByText('2 files, 17 kB · Python 3.11');
    await user.click(button('Review files'));
    const sheet = await screen.findByRole('dialog', { name: 'Review files' });
    await user.click(within(sheet).getByRole('button', { name: 'Leave out: data/a.csv' }));
    await user.type(within(sheet).getByLabelText('Add a file, folder or pattern'), 'more/*.csv{Enter}');
    await waitFor(() =>
      expect(server.to('POST preview').pop()!.body).toMatchObject({ files: ['more/*.csv'], left_out: ['data/a.csv'] })
    );
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('dialog')).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(button('Review files')));
  });

  it('is looked at again when the notebook was saved', async () => {
    let saved: (() => void) | undefined;
    const onSaved = (_: string, listener: () => void) => ((saved = listener), () => undefined);
    const server = new FakeServer({ 'POST preview': preview() });
    open(server, {}, { onSaved });
    await sentence();
    saved!();
    await waitFor(() => expect(server.to('POST preview')).toHaveLength(2));
  });
});

describe('An edit', () => {
  const recorded = schedule({ form: form({ timeout_minutes: 30 }) });

  it('sends what was changed, at the version it was made from, and leaves the code as it was', async () => {
    const server = new FakeServer({ 'POST preview': preview(), 'PATCH schedules/bikes': recorded });
    const { user, done } = open(server, { editing: recorded });
    expect(screen.getByLabelText('Job name')).toHaveProperty('readOnly', true);
    await sentence();
    await user.clear(screen.getByLabelText('Time of day (UTC)'));
    await user.type(screen.getByLabelText('Time of day (UTC)'), '6:30');
    await user.click(button('Save changes'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    const [asked] = server.to('PATCH schedules/bikes');
    expect(asked!.headers.get('If-Match')).toBe('3');
    expect(asked!.body).toEqual({ form: { frequency: { at: '6:30' } }, rebundle: false });
    expect(server.to('POST preview')[0]!.query.get('schedule')).toBe('bikes');
  });

  it('is there as it was typed when its form is opened again, unless somebody saved meanwhile', async () => {
    const server = new FakeServer({ 'POST preview': preview() });
    const first = open(server, { editing: recorded });
    await first.user.clear(screen.getByLabelText('Output directory'));
    await first.user.type(screen.getByLabelText('Output directory'), 'typed');
    first.unmount();
    const second = open(server, { editing: recorded });
    expect(screen.getByLabelText('Output directory')).toHaveProperty('value', 'typed');
    second.unmount();
    open(server, { editing: { ...recorded, version: 9 } });
    expect(screen.getByLabelText('Output directory')).toHaveProperty('value', 'output');
  });

  it('can drop a value for a parameter that the notebook has no more', async () => {
    const gone = schedule({ form: form({ parameters: { mnth: 3 } }) });
    const server = new FakeServer({
      'POST preview': preview({ parameters: [parameter()] }),
      'PATCH schedules/bikes': gone
    });
    const { user, done } = open(server, { editing: gone });
    await user.click(await screen.findByRole('button', { name: 'Remove mnth' }));
    await sentence();
    await user.click(button('Save changes'));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(server.to('PATCH schedules/bikes')[0]!.body.form).toEqual({ parameters: { mnth: null } });
  });

  it('of one that was changed elsewhere asks whose it should be', async () => {
    let tries = 0;
    const server = new FakeServer({
      'POST preview': preview(),
      'PATCH schedules/bikes': () =>
        tries++ === 0 ? refusal(412, 'changed_elsewhere', 'It was changed in the meantime.') : recorded,
      'GET schedules/bikes': { ...recorded, version: 8 }
    });
    const { user, done } = open(server, { editing: recorded });
    await sentence();
    await user.click(button('Save changes'));
    await user.click(await screen.findByRole('button', { name: 'Keep mine' }));
    await waitFor(() => expect(done).toHaveBeenCalled());
    expect(server.to('PATCH schedules/bikes').pop()!.headers.get('If-Match')).toBe('8');
  });
});
