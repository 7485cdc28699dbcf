/** A server behind `fetch`, the only thing that tests replace: routes with their answers, and what was asked. */
import { vi } from 'vitest';

import type { Host } from '../../src/views/common/hostContext';
import { Client } from '../../src/api/client';
import { httpTransport } from '../../src/api/transport';
import { Drafts } from '../../src/model/drafts';
import { Clock } from '../../src/model/time';
import { english } from '../../src/model/translation';
import { NOW } from './factories';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: any;
}

/** a value, or a function of what was asked */
type Answer = unknown;

/** `GET schedules`, `POST schedules/x/run` … to answers; an answer that is a Response is given as it is. */
export class FakeServer {
  readonly asked: Asked[] = [];

  constructor(private readonly routes: Record<string, Answer>) {}

  /** Answer otherwise from now on. */
  answer(route: string, answer: Answer): void {
    this.routes[route] = answer;
  }

  /** The requests to a route. */
  to(route: string): Asked[] {
    return this.asked.filter(({ method, path }) => `${method} ${path}` === route);
  }

  readonly fetch = async (address: string, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(address, 'http://jupyter.test');
    const asked: Asked = {
      method: init.method ?? 'GET',
      path: url.pathname.replace('/base/jupyter-schedule/', ''),
      query: url.searchParams,
      headers: new Headers(init.headers),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : init.body
    };
    this.asked.push(asked);
    const route = `${asked.method} ${asked.path}`;
    if (!(route in this.routes)) {
      return new Response('<html>no such page</html>', { status: 404 });
    }
    const answer = this.routes[route];
    const value = await (typeof answer === 'function' ? (answer as (asked: Asked) => unknown)(asked) : answer);
    return value instanceof Response ? value : new Response(JSON.stringify(value));
  };
}

/** A refusal of the server. */
export function refusal(status: number, code: string, message: string, field: string | null = null): Response {
  return new Response(JSON.stringify({ error: { code, message, field } }), { status });
}

/** A host in Paris, whose server is `server`. */
export function createHost(server: FakeServer, changes: Partial<Host> = {}): Host {
  return {
    api: new Client(httpTransport('/base/', server.fetch), 'Europe/Paris'),
    trans: english,
    clock: new Clock('Europe/Paris', 'en', english),
    drafts: new Drafts('/base/'),
    now: () => NOW,
    save: vi.fn(async () => false),
    ...changes
  };
}
