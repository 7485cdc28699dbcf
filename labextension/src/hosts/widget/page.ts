/** The Jupyter page around the widget: its server, and the notebook in it. */
import type { Transport } from '../../api/transport';
import { httpTransport } from '../../api/transport';
import { stripDrive } from './notebook';

export interface JupyterPage {
  /** Absolute, ending in `/`. */
  baseUrl: string;
  /** Empty where the login is a cookie. */
  token: string;
}

/** A session of the server, as far as we read it. */
interface Session {
  path: string;
  type: string;
  kernel: { id: string } | null;
}

/** The page's own settings; null where there is no Jupyter page, as in VS Code. */
export function readJupyterPage(page: Document = document): JupyterPage | null {
  const text = page.getElementById('jupyter-config-data')?.textContent;
  if (!text) {
    return null;
  }
  try {
    const config = JSON.parse(text) as { baseUrl: string; token?: string };
    const baseUrl = new URL(config.baseUrl.replace(/\/*$/, '/'), page.location.href);
    return /^https?:$/.test(baseUrl.protocol) ? { baseUrl: baseUrl.href, token: config.token ?? '' } : null;
  } catch {
    return null;
  }
}

/** The API on the page's own server, with the page's login. */
export function pageTransport({ baseUrl, token }: JupyterPage, page: Document = document): Transport {
  return httpTransport(baseUrl, (url, init) => {
    const headers = new Headers(init.headers);
    const xsrf = /(?:^|;\s*)_xsrf=([^;]+)/.exec(page.cookie)?.[1];
    if (xsrf) {
      headers.set('X-XSRFToken', xsrf);
    }
    if (token) {
      headers.set('Authorization', `token ${token}`);
    }
    return fetch(url, { ...init, headers, credentials: 'same-origin' });
  });
}

/**
 * The notebook that uses the kernel now, relative to the server's root: right also after a renaming.
 *
 * Empty when the server doesn't know the kernel.
 */
export async function findNotebookOfKernel(page: JupyterPage, kernelId: string): Promise<string> {
  const headers: Record<string, string> = page.token ? { Authorization: `token ${page.token}` } : {};
  const answer = await fetch(`${page.baseUrl}api/sessions`, { headers, credentials: 'same-origin' });
  const sessions = answer.ok ? ((await answer.json()) as Session[]) : [];
  const own = sessions.find(session => session.type === 'notebook' && session.kernel?.id === kernelId);
  return own ? stripDrive(own.path) : '';
}
