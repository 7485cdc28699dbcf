/** A notebook's cell as the components' host. */
import { Client } from '../../api/client';
import type { Transport } from '../../api/transport';
import type { Host } from '../../views/common/hostContext';
import { Drafts } from '../../model/drafts';
import { Clock, browserZone } from '../../model/time';
import { english } from '../../model/translation';
import { askKernelForNotebook, kernelTransport } from './kernelTransport';
import type { WidgetModel } from './traits';
import type { OpenNotebook } from './notebook';
import { findOpenNotebook } from './notebook';
import { readJupyterPage, findNotebookOfKernel, pageTransport } from './page';

/** Where the widget is, and how it asks. */
export interface WidgetContext {
  transport: Transport;
  /** the open notebook, where the page shows it to widgets */
  notebook: OpenNotebook | null;
  /** The path of the notebook that is to be scheduled, relative to the server's root; empty when nobody knows. */
  findNotebook(): Promise<string>;
}

/** A Jupyter page asks its own server; anything else asks through the kernel. */
export function discoverContext(model: WidgetModel): WidgetContext {
  const page = readJupyterPage();
  const notebook = findOpenNotebook(model);
  const transport = page ? pageTransport(page) : kernelTransport(model);
  return {
    transport,
    notebook,
    findNotebook: async () =>
      (model.get('notebook') as string) ||
      notebook?.path ||
      (page ? findNotebookOfKernel(page, model.get('kernel_id') as string) : askKernelForNotebook(transport))
  };
}

/** The host of a widget whose requests travel by `transport`. */
export function createWidgetHost(transport: Transport, notebook: OpenNotebook | null): Host {
  const zone = browserZone();
  const isOpen = (path: string) => notebook?.path === path;
  return {
    api: new Client(transport, zone),
    trans: english,
    clock: new Clock(zone, document.documentElement.lang, english),
    drafts: new Drafts(document.location.origin, findStorage()),
    now: Date.now,
    save: async path => (isOpen(path) ? notebook!.save() : false),
    watchUnsaved: (path, listener) => (isOpen(path) ? notebook!.watchUnsaved(listener) : () => undefined),
    onSaved: (path, listener) => (isOpen(path) ? notebook!.onSaved(listener) : () => undefined)
  };
}

/** The browser's storage; one that forgets where the page is forbidden to have any. */
function findStorage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  }
}
