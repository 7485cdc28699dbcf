/** A form whose server is away, or knows its person no more. */
import { act, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import { preview, schedule } from '../../support/factories';
import { button, created, open, sentence } from '../../support/openForm';
import { FakeServer } from '../../support/server';

describe('A preview that found nobody', () => {
  it('is asked for again by itself', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ['setTimeout', 'clearTimeout'] });
    let tries = 0;
    const server = new FakeServer({
      'POST preview': () => (tries++ < 2 ? Promise.reject(new TypeError('gone')) : preview())
    });
    open(server);
    expect((await screen.findByRole('alert')).textContent).toContain('Lost the connection');
    await act(() => vi.advanceTimersByTimeAsync(3_100));
    await act(() => vi.advanceTimersByTimeAsync(3_100));
    await sentence();
    expect(screen.queryByRole('alert')).toBeNull();
    expect(tries).toBe(3);
  });
});

describe('A login that has ended', () => {
  it('keeps what was typed, and says where to sign in', async () => {
    const no = () => new Response('Forbidden', { status: 403 });
    const { user } = open(
      new FakeServer({ 'POST preview': preview(), 'POST schedules': no }),
      {},
      { signInAt: '/base/login' }
    );
    await sentence();
    await user.type(screen.getByLabelText('Job name'), '-x');
    await user.click(button('Schedule'));
    expect(await screen.findByText('Sign in again; your form is kept.')).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Sign in' }).getAttribute('href')).toBe('/base/login');
    expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes-x');
  });
});

describe('The server going away in the middle', () => {
  it('loses nothing, and trying again can’t record a second schedule', async () => {
    let tries = 0;
    const server = new FakeServer({
      'POST preview': preview(),
      'POST schedules': () => (tries++ === 0 ? Promise.reject(new TypeError('gone')) : schedule())
    });
    const { user, done } = open(server);
    await sentence();
    await user.click(button('Schedule'));
    expect((await screen.findByRole('alert')).textContent).toContain('Lost the connection');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    const keys = server.to('POST schedules').map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys[0]).toBeTruthy();
    expect(new Set(keys).size).toBe(1);
  });

  it('lets it be tried again when the name is taken by what was recorded, by the same request to the letter', async () => {
    let tries = 0;
    let saved: () => void = () => undefined;
    const server = new FakeServer({
      'POST preview': preview(),
      'POST schedules': () => (tries++ === 0 ? Promise.reject(new TypeError('gone')) : schedule())
    });
    const { user, done } = open(server, {}, { onSaved: (_, listener) => ((saved = listener), () => undefined) });
    await sentence();
    await user.click(button('Schedule'));
    await screen.findByRole('alert');
    server.answer(
      'POST preview',
      preview({ problems: [{ code: 'name_taken', message: '“bikes” is taken.', field: 'name' }], bundle: null })
    );
    act(() => saved());
    await waitFor(() => expect(server.to('POST preview')).toHaveLength(2));
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    expect(created(server)[1]).toEqual(created(server)[0]);
    expect(server.to('PATCH schedules/bikes')).toEqual([]);
  });

  it('takes what was saved since the first try along', async () => {
    let tries = 0;
    const server = new FakeServer({
      'POST preview': preview(),
      'POST schedules': () => (tries++ === 0 ? Promise.reject(new TypeError('gone')) : schedule()),
      'PATCH schedules/bikes': schedule({ version: 4 })
    });
    const { user, done } = open(server, {}, { save: async () => tries > 0 });
    await sentence();
    await user.click(button('Schedule'));
    await screen.findByRole('alert');
    await user.click(button('Schedule'));
    await waitFor(() => expect(done).toHaveBeenCalledWith(schedule({ version: 4 })));
    expect(server.to('PATCH schedules/bikes')[0]!.body).toEqual({ form: {}, rebundle: true });
  });
});

describe('What needs a look before a run', () => {
  const findings = [
    { level: 'ok', code: 'included', message: 'a.csv is included.', cell: 1, fix: null },
    { level: 'warning', code: 'missing', message: 'b.csv is not found.', cell: 2, fix: null },
    { level: 'stop-public', code: 'key', message: 'Cell 3 has a key.', cell: 3, fix: null }
  ];

  it('stands beside the button with its number, and opens there', async () => {
    const { container, user } = open(new FakeServer({ 'POST preview': preview({ findings }) }));
    await sentence();
    const footer = container.querySelector<HTMLElement>('.jp-Schedule-footer')!;
    await user.click(within(footer).getByText('2 things to look at'));
    expect(await within(footer).findByText('b.csv is not found.')).toBeTruthy();
    expect(within(footer).queryByText('a.csv is included.')).toBeNull();
  });

  it('isn’t spoken of when there is nothing', async () => {
    open(new FakeServer({ 'POST preview': preview({ findings: findings.slice(0, 1) }) }));
    await sentence();
    expect(screen.queryByText(/to look at/)).toBeNull();
  });
});

describe('A name under which a deleted schedule left results', () => {
  const answer = ({ body }: { body: { name: string; continue_results: boolean } }) =>
    preview({
      suggested_name: 'bikes-2',
      name_with_results: 'bikes',
      problems:
        body.name === 'bikes' && !body.continue_results
          ? [{ code: 'name_reserved', message: '“bikes” still has published results.', field: 'name' }]
          : []
    });

  it('gives way to the next free one by itself', async () => {
    const server = new FakeServer({ 'POST preview': answer, 'POST schedules': schedule() });
    const { user } = open(server);
    await waitFor(() => expect(screen.getByLabelText('Job name')).toHaveProperty('value', 'bikes-2'));
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0]).toMatchObject({ form: { name: 'bikes-2' } }));
  });

  it('is gone on with by one click', async () => {
    const server = new FakeServer({ 'POST preview': answer, 'POST schedules': schedule() });
    const { user } = open(server);
    await user.click(await screen.findByRole('button', { name: 'Continue with the results of bikes' }));
    await sentence();
    await user.click(button('Schedule'));
    await waitFor(() => expect(created(server)[0]).toMatchObject({ form: { name: 'bikes', continue_results: true } }));
  });
});
