/** The way from JupyterLab's page to our routes. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { ServerConnection } from '@jupyterlab/services';

import { Client } from '../../api/client';
import { httpTransport } from '../../api/transport';
import { browserZone } from '../../model/time';

export function createClient(app: JupyterFrontEnd): Client {
  const settings = app.serviceManager.serverSettings;
  const transport = httpTransport(settings.baseUrl, (url, init) => ServerConnection.makeRequest(url, init, settings));
  return new Client(transport, browserZone());
}
