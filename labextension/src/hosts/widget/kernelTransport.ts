/** Requests through the kernel, where there is no Jupyter page whose server could be asked, as in VS Code. */
import { Problem } from '../../api/problem';
import type { ApiRequest, Transport } from '../../api/transport';
import type { WidgetModel } from './traits';

interface KernelAnswer {
  kind: 'answer';
  id: number;
  value?: unknown;
  error?: { code: string; message: string; field: string | null };
}

/** A request that has no page around it may ask beside the API in which notebook the kernel is. */
export const NOTEBOOK = 'notebook';

/** Asks the kernel.  It answers late while a cell runs: a kernel does one thing at a time. */
export function kernelTransport(model: WidgetModel): Transport {
  const waiting = new Map<number, (answer: KernelAnswer) => void>();
  let last = 0;
  model.on('msg:custom', content => {
    const answer = content as KernelAnswer | null;
    if (answer?.kind === 'answer') {
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    }
  });
  return ask => {
    const id = (last += 1);
    const answer = new Promise<unknown>((resolve, reject) => {
      waiting.set(id, ({ error, value }) => {
        if (error) {
          reject(new Problem(error.code, error.message, error.field));
        } else {
          resolve(value);
        }
      });
      ask.signal?.addEventListener('abort', () => {
        waiting.delete(id);
        reject(new DOMException('Nobody waits for it any more.', 'AbortError'));
      });
    });
    model.send(messageOf(id, ask));
    return answer;
  };
}

function messageOf(id: number, { method, path, query, body, ifVersion }: ApiRequest): object {
  return {
    kind: 'ask',
    id,
    method: method ?? 'GET',
    path,
    query: query ?? {},
    body: body ?? null,
    if_version: ifVersion ?? null
  };
}

/** The notebook that the kernel takes itself to be in; empty when it can't tell. */
export async function askKernelForNotebook(ask: Transport): Promise<string> {
  try {
    return String(await ask({ path: NOTEBOOK }));
  } catch {
    return '';
  }
}
