/** A schedule of a tarball of one’s own. */
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { form, preview, schedule } from '../../support/factories';
import { NOTEBOOK, button, created, open, sentence } from '../../support/openForm';
import { FakeServer, refusal } from '../../support/server';

const DIGEST = 'a'.repeat(64);
const FILE = new File(['packed'], 'Word count.tar.gz', { type: 'application/gzip' });

function serverWith(routes: Record<string, unknown> = {}): FakeServer {
  return new FakeServer({
    'POST preview': preview({ files: [] }),
    'PUT bundles': { bundle: DIGEST, size: 6, files: 3 },
    'POST schedules': schedule(),
    ...routes
  });
}

const openTarball = (server: FakeServer) => open(server, { notebook: null }, { uploads: true });
const pick = (file: File) =>
  fireEvent.change(screen.getByLabelText('Code tarball', { selector: 'input' }), { target: { files: [file] } });

describe('A tarball of one’s own', () => {
  it('is picked, sent at once, and scheduled with its command under its name', async () => {
    const server = serverWith();
    const { user } = openTarball(server);
    expect(screen.getByText('Choose a tarball, and this says when it runs.')).toBeTruthy();
    expect(screen.queryByText('Parameters')).toBeNull();
    await screen.findByRole('button', { name: 'Choose a tarball' });
    pick(FILE);
    await screen.findByText('Word count.tar.gz, 3 files, 17 kB');
    const [sent] = server.to('PUT bundles');
    expect([sent!.headers.get('Content-Type'), sent!.body]).toEqual(['application/gzip', FILE]);
    const command = screen.getByLabelText('Execution commandline');
    await user.clear(command);
    await user.type(command, 'bash run.sh --fast');
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)).toHaveLength(1));
    expect(created(server)[0].form).toMatchObject({
      name: 'word-count',
      notebook: null,
      tarball: DIGEST,
      command: 'bash run.sh --fast'
    });
  });

  it('is dropped, and keeps what was typed while it was on its way', async () => {
    let arrive = (_: unknown): void => undefined;
    const server = serverWith({ 'PUT bundles': () => new Promise(resolve => (arrive = resolve)) });
    openTarball(server);
    const place = (await screen.findByRole('button', { name: 'Choose a tarball' })).parentElement!;
    fireEvent.drop(place, { dataTransfer: { files: [FILE] } });
    await screen.findByText('Sending Word count.tar.gz…');
    fireEvent.change(screen.getByLabelText('Job name'), { target: { value: 'mine' } });
    fireEvent.drop(place, { dataTransfer: { files: [FILE] } });
    arrive({ bundle: DIGEST, size: 6, files: 1 });
    await screen.findByText(/^Word count.tar.gz, 1 file/);
    expect(screen.getByLabelText<HTMLInputElement>('Job name').value).toBe('mine');
    expect(server.to('PUT bundles')).toHaveLength(1);
  });

  it('that is none is refused where it was picked, and nothing is scheduled without one', async () => {
    const server = serverWith({ 'PUT bundles': refusal(422, 'archive_unreadable', 'That isn’t a .tar.gz.') });
    const { user } = openTarball(server);
    await screen.findByRole('button', { name: 'Choose a tarball' });
    pick(FILE);
    await screen.findByText('That isn’t a .tar.gz.');
    await user.click(button('Schedule'));
    await screen.findByText('Choose a tarball.');
    expect(created(server)).toEqual([]);
    expect(server.to('POST preview')).toEqual([]);
  });

  it('takes the place of a notebook, which can be taken again', async () => {
    const server = serverWith();
    const { user } = open(server, {}, { uploads: true });
    await user.click(button('Use a tarball of your own'));
    await screen.findByRole('button', { name: 'Choose a tarball' });
    pick(FILE);
    await user.click(await screen.findByRole('button', { name: 'Use the notebook' }));
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)).toHaveLength(1));
    expect(created(server)[0].form).toMatchObject({ name: 'bikes', notebook: NOTEBOOK, tarball: null });
  });

  it('that a schedule has is told and replaced; the rest of the schedule stays', async () => {
    const made = schedule({ form: form({ notebook: null, tarball: 'b'.repeat(64), command: './go' }) });
    const server = serverWith({ [`PATCH schedules/${made.name}`]: made });
    const { user } = open(server, { notebook: null, editing: made }, { uploads: true });
    await screen.findByText('tarball bbbbbbb, 17 kB');
    expect(screen.queryByText(/^Use the notebook and its files/)).toBeNull();
    pick(FILE);
    await screen.findByText(/^Word count/);
    await user.click(button('Save changes'));
    await waitFor(() => expect(server.to(`PATCH schedules/${made.name}`)).toHaveLength(1));
    expect(server.to(`PATCH schedules/${made.name}`)[0]!.body).toEqual({ form: { tarball: DIGEST }, rebundle: false });
  });

  it('can’t be sent from where no files can be', () => {
    open(serverWith());
    expect(screen.queryByRole('button', { name: 'Use a tarball of your own' })).toBeNull();
  });
});
