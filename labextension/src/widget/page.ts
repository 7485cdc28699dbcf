/** The Jupyter page around the widget: where its server is, and the browser's own login there. */
export interface IPage {
  /** Absolute, ending in `/`. */
  baseUrl: string;
  /** Empty where the login is a cookie. */
  token: string;
}

/** The page's own settings; null where there is no Jupyter page, as in VS Code. */
export function jupyterPage(doc: Document = document): IPage | null {
  const text = doc.getElementById('jupyter-config-data')?.textContent;
  if (!text) {
    return null;
  }
  try {
    const config = JSON.parse(text);
    if (typeof config.baseUrl !== 'string') {
      return null;
    }
    const baseUrl = new URL(config.baseUrl.replace(/\/*$/, '/'), doc.location.href);
    // A page that was saved or embedded elsewhere must not send its token there.
    return /^https?:$/.test(baseUrl.protocol) ? { baseUrl: baseUrl.href, token: String(config.token ?? '') } : null;
  } catch {
    return null;
  }
}

/** The XSRF token, which the server compares with what a request's header says. */
export function xsrfToken(doc: Document = document): string {
  const found = /(?:^|;\s*)_xsrf=([^;]*)/.exec(doc.cookie);
  return found ? decodeURIComponent(found[1] ?? '') : '';
}

/** `fetch` with what the server wants to see of the page's login. */
export function pageFetch(page: IPage): typeof fetch {
  return (input, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set('X-XSRFToken', xsrfToken());
    if (page.token) {
      headers.set('Authorization', `token ${page.token}`);
    }
    return fetch(input, { ...init, headers, credentials: 'same-origin' });
  };
}

/**
 * The notebook that uses the kernel now, relative to the server's root: right also after a renaming.
 *
 * Empty when the server doesn't know the kernel.
 */
export async function notebookOf(page: IPage, kernelId: string): Promise<string> {
  const answer = await pageFetch(page)(`${page.baseUrl}api/sessions`);
  const sessions: { path: string; type: string; kernel: { id: string } | null }[] = answer.ok ? await answer.json() : [];
  const own = sessions.find(session => session.type === 'notebook' && session.kernel?.id === kernelId);
  return own ? own.path.replace(/^RTC:/, '') : '';
}
