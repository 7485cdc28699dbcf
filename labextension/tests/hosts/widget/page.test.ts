import { afterEach, expect, it, vi } from 'vitest';

import { Client } from '../../../src/api/client';
import { readJupyterPage, findNotebookOfKernel, pageTransport } from '../../../src/hosts/widget/page';
import { FakeServer } from '../../support/server';

const PAGE = { baseUrl: 'http://localhost:8888/base/', token: 'secret' };

function settings(text: string): void {
  const script = document.createElement('script');
  script.id = 'jupyter-config-data';
  script.type = 'application/json';
  script.textContent = text;
  document.head.append(script);
}

function server(answer: unknown, status = 200) {
  const asked = vi.fn(async (_url: RequestInfo | URL, _init?: RequestInit) => Response.json(answer, { status }));
  vi.stubGlobal('fetch', asked);
  return asked;
}

afterEach(() => {
  document.head.replaceChildren();
});

it.each([
  ['{"baseUrl": "/base/", "token": "secret"}', { ...PAGE, baseUrl: `${location.origin}/base/` }],
  ['{"baseUrl": "/base"}', { baseUrl: `${location.origin}/base/`, token: '' }],
  ['{"baseUrl": "https://hub/user/ann/"}', { baseUrl: 'https://hub/user/ann/', token: '' }]
])('the page says where its server is', (text, expected) => {
  settings(text);
  expect(readJupyterPage()).toEqual(expected);
});

it.each(['', '{', '{}', '{"baseUrl": 3}', '{"baseUrl": "javascript:alert(1)/"}'])(
  'where the page says nothing of use there is no server',
  text => {
    settings(text);
    expect(readJupyterPage()).toBeNull();
  }
);

it('outside of Jupyter there is no page', () => {
  expect(readJupyterPage()).toBeNull();
});

it('the notebook is the one whose session has the kernel, also when it was renamed', async () => {
  const asked = server([
    { type: 'console', path: 'c', kernel: { id: 'k' } },
    { type: 'notebook', path: 'other.ipynb', kernel: null },
    { type: 'notebook', path: 'RTC:a/renamed é.ipynb', kernel: { id: 'k' } }
  ]);
  expect(await findNotebookOfKernel(PAGE, 'k')).toBe('a/renamed é.ipynb');
  expect(await findNotebookOfKernel(PAGE, 'gone')).toBe('');
  expect(asked).toHaveBeenLastCalledWith('http://localhost:8888/base/api/sessions', {
    headers: { Authorization: 'token secret' },
    credentials: 'same-origin'
  });
});

it('a server that does not tell its sessions leaves the notebook unknown', async () => {
  server({ message: 'Forbidden' }, 403);
  expect(await findNotebookOfKernel(PAGE, 'k')).toBe('');
});

it('requests go to the page’s base URL with its own login', async () => {
  const server = new FakeServer({ 'GET status': {} });
  vi.stubGlobal('fetch', server.fetch);
  settings('{"baseUrl": "/base/", "token": "tok"}');
  document.cookie = '_xsrf=abc';
  await new Client(pageTransport(readJupyterPage()!), 'UTC').status();
  expect(server.asked[0]!.headers.get('X-XSRFToken')).toBe('abc');
  expect(server.asked[0]!.headers.get('Authorization')).toBe('token tok');
});
