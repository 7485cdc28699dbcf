/** What failed while nobody was here: the one request of a fresh JupyterLab, once it has nothing else to do. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { ServerConnection } from '@jupyterlab/services';

import type { News } from '../../api/schemas';

/** milliseconds after which it is asked even of a page that is never idle */
const AT_LATEST = 10_000;

/** The news since the last time that this browser asked; null when there are none. */
export async function askForNews(app: JupyterFrontEnd): Promise<News | null> {
  await idle();
  const settings = app.serviceManager.serverSettings;
  const seen = `jupyter-schedule:news:${settings.baseUrl}`;
  const since = localStorage.getItem(seen);
  const query = since ? `?since=${encodeURIComponent(since)}` : '';
  const answer = await ServerConnection.makeRequest(`${settings.baseUrl}jupyter-schedule/news${query}`, {}, settings);
  if (!answer.ok) {
    return null;
  }
  const news = (await answer.json()) as News;
  localStorage.setItem(seen, news.at);
  return news.failed > 0 ? news : null;
}

function idle(): Promise<void> {
  return new Promise(resolve => {
    if ('requestIdleCallback' in window) {
      requestIdleCallback(() => resolve(), { timeout: AT_LATEST });
    } else {
      setTimeout(resolve, AT_LATEST);
    }
  });
}
