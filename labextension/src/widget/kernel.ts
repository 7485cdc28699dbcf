import type { IModel } from './model';

/** Where a front end without a Jupyter page sends its requests: nowhere that the network knows. */
export const KERNEL_BASE = 'http://kernel.invalid/';
const PREFIX = `${KERNEL_BASE}jupyter-schedule/`;

interface IAnswer {
  kind: 'answer';
  id: number;
  value?: unknown;
  error?: { code: string; message: string; field: string | null };
}

/** The status by which HTTP tells the same refusal. */
function statusOf(code: string): number {
  if (code.startsWith('no_such_')) {
    return 404;
  }
  return code === 'changed_elsewhere' ? 412 : 422;
}

function answerOf(content: IAnswer): Response {
  const { error, value } = content;
  const body = error ? { error } : value;
  return new Response(JSON.stringify(body ?? null), {
    status: error ? statusOf(error.code) : 200,
    headers: { 'Content-Type': 'application/json' }
  });
}

/**
 * A `fetch` for addresses below `KERNEL_BASE` that asks the kernel instead of a server.
 *
 * It answers late while a cell runs: a kernel does one thing at a time.
 */
export function kernelFetch(model: IModel): typeof fetch {
  const waiting = new Map<number, (answer: Response) => void>();
  let last = 0;
  model.on('msg:custom', (content: IAnswer) => {
    if (content?.kind === 'answer') {
      waiting.get(content.id)?.(answerOf(content));
      waiting.delete(content.id);
    }
  });
  return async (input, init = {}) => {
    const url = new URL(String(input));
    if (!url.href.startsWith(PREFIX)) {
      throw new TypeError(`The kernel has no answer for ${url.pathname}`);
    }
    const version = new Headers(init.headers).get('If-Match');
    const id = (last += 1);
    const answer = new Promise<Response>((resolve, reject) => {
      waiting.set(id, resolve);
      init.signal?.addEventListener('abort', () => {
        waiting.delete(id);
        reject(new DOMException('No longer wanted', 'AbortError'));
      });
    });
    model.send({
      kind: 'ask',
      id,
      method: init.method ?? 'GET',
      path: url.href.slice(PREFIX.length).split('?')[0],
      query: Object.fromEntries(url.searchParams),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : null,
      if_version: version === null ? null : Number(version.replaceAll('"', ''))
    });
    return answer;
  };
}

/** The notebook that the kernel takes itself to be in; empty when it can't tell. */
export async function notebookOfKernel(ask: typeof fetch): Promise<string> {
  const answer = await ask(`${PREFIX}notebook`);
  return answer.ok ? String(await answer.json()) : '';
}
