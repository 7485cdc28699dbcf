/** A request reaches the server and comes back as a value or a Problem. */
import { Problem } from './problem';

/** One request; `path` is relative to the API's folder. */
export interface ApiRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  /** sent as it is, instead of a body in JSON */
  tarball?: Blob;
  /** the version that an edit is based on */
  ifVersion?: number;
  /** makes a repeated POST the same POST */
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** let it finish when the page is closed */
  keepalive?: boolean;
}

/** Carries a request out; rejects with Problem, or with AbortError when its signal fires. */
export type Transport = (ask: ApiRequest) => Promise<unknown>;

/** `fetch` with the host's way to say who we are. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export const API = 'jupyter-schedule/';
export const UNREACHABLE = 'Lost the connection to Jupyter. Nothing you typed is lost; try again.';
export const SIGNED_OUT = 'Sign in again; your form is kept.';
export const NOT_INSTALLED =
  'The server half of jupyter-schedule isn’t running here. Install it where Jupyter runs, then restart Jupyter:  pip install jupyter-schedule';

/** A transport over HTTP to the server at `baseUrl`, which ends with a slash. */
export function httpTransport(baseUrl: string, request: Fetch): Transport {
  return async ask => {
    let response: Response;
    try {
      response = await request(urlOf(baseUrl, ask), initOf(ask));
    } catch {
      if (ask.signal?.aborted) {
        throw new DOMException('Nobody waits for it any more.', 'AbortError');
      }
      throw new Problem('unreachable', UNREACHABLE);
    }
    return answerOf(response);
  };
}

function urlOf(baseUrl: string, { path, query }: ApiRequest): string {
  const search = new URLSearchParams(query).toString();
  return `${baseUrl}${API}${path}${search ? `?${search}` : ''}`;
}

function initOf(ask: ApiRequest): RequestInit {
  const headers: Record<string, string> = {};
  if (ask.ifVersion !== undefined) {
    headers['If-Match'] = String(ask.ifVersion);
  }
  if (ask.idempotencyKey) {
    headers['Idempotency-Key'] = ask.idempotencyKey;
  }
  const init: RequestInit = { method: ask.method ?? 'GET', headers };
  if (ask.tarball) {
    headers['Content-Type'] = 'application/gzip';
    init.body = ask.tarball;
  } else if (init.method !== 'GET') {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(ask.body ?? {});
  }
  if (ask.signal) {
    init.signal = ask.signal;
  }
  if (ask.keepalive) {
    init.keepalive = true;
  }
  return init;
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  let value: unknown;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    value = undefined;
  }
  if (response.ok && value !== undefined) {
    return value;
  }
  throw problemOf(response, value);
}

function problemOf(response: Response, value: unknown): Problem {
  const error = (value as { error?: { code?: string; message?: string; field?: string | null } } | undefined)?.error;
  const { status } = response;
  if (error?.message) {
    return new Problem(error.code ?? 'refused', error.message, error.field ?? null, status);
  }
  if (status === 401 || status === 403) {
    return new Problem('signed_out', SIGNED_OUT, null, status);
  }
  if (status === 404) {
    return new Problem('not_installed', NOT_INSTALLED, null, status);
  }
  return status >= 502
    ? new Problem('unreachable', UNREACHABLE, null, status)
    : new Problem('broken', `Jupyter answered with an error (${status}). Its log says more.`, null, status);
}
