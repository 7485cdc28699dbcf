import { describe, expect, it } from 'vitest';

import { Client } from '../../src/api/client';
import { asProblem, isAbort } from '../../src/api/problem';
import { httpTransport } from '../../src/api/transport';
import { form, schedule } from '../support/factories';
import { FakeServer, refusal } from '../support/server';

function clientOf(server: FakeServer): Client {
  return new Client(httpTransport('/base/', server.fetch), 'Europe/Paris');
}

describe('A request', () => {
  it('names the reader’s zone, and what an edit is based on', async () => {
    const server = new FakeServer({ 'PATCH schedules/a.b': schedule() });
    await clientOf(server).edit('a.b', { timeout_minutes: 5 }, 7, true);
    const [asked] = server.asked;
    expect(asked!.query.get('reader')).toBe('Europe/Paris');
    expect(asked!.headers.get('If-Match')).toBe('7');
    expect(asked!.headers.get('Content-Type')).toBe('application/json');
    expect(asked!.body).toEqual({ form: { timeout_minutes: 5 }, rebundle: true });
  });

  it('carries the key that makes a repeated one the same', async () => {
    const server = new FakeServer({ 'POST schedules': schedule() });
    await clientOf(server).create({ form: form(), bundle: null, run_now: true, once_only: false }, 'key');
    expect(server.asked[0]!.headers.get('Idempotency-Key')).toBe('key');
  });

  it('has names as one part of its path, whatever they hold', async () => {
    const server = new FakeServer({ 'GET schedules/..%2Fa%3Fb': schedule() });
    await clientOf(server).schedule('../a?b');
    expect(server.asked).toHaveLength(1);
  });

  it('for a notebook’s schedules takes no others', async () => {
    const other = schedule({ name: 'other', form: form({ notebook: 'other.ipynb' }) });
    const server = new FakeServer({ 'GET schedules': [schedule(), other] });
    expect((await clientOf(server).schedulesOf('reports/bikes.ipynb')).map(({ name }) => name)).toEqual(['bikes']);
  });
});

describe('A failure becomes a sentence', () => {
  it.each<[string, Response | Error, object]>([
    [
      'the server’s own',
      refusal(409, 'name_taken', '“bikes” is taken.', 'name'),
      { code: 'name_taken', message: '“bikes” is taken.', field: 'name', status: 409, isTransient: false }
    ],
    ['no connection', new TypeError('Failed to fetch'), { code: 'unreachable', isTransient: true }],
    ['a gateway’s', new Response('<html>', { status: 502 }), { code: 'unreachable', isTransient: true }],
    ['signed out', new Response('<html>', { status: 403 }), { code: 'signed_out', isTransient: false }],
    ['no server half', new Response('<html>', { status: 404 }), { code: 'not_installed' }],
    ['a crash', new Response('<html>', { status: 500 }), { code: 'broken' }],
    ['a page instead of JSON', new Response('<html>'), { code: 'broken' }]
  ])('%s', async (_, answer, problem) => {
    const server = new FakeServer({ 'GET status': () => (answer instanceof Error ? Promise.reject(answer) : answer) });
    await expect(clientOf(server).status()).rejects.toMatchObject(problem);
  });

  it('but not when nobody waits any more', async () => {
    const stop = new AbortController();
    const server = new FakeServer({ 'GET status': () => Promise.reject(new TypeError('aborted')) });
    stop.abort();
    const error = await clientOf(server)
      .status(stop.signal)
      .catch((thrown: unknown) => thrown);
    expect(isAbort(error)).toBe(true);
  });

  it('whatever was thrown', () => {
    expect(asProblem('words')).toMatchObject({ code: 'broken', message: 'words' });
  });
});
