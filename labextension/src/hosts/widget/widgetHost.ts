/** A notebook's cell as the components' host. */
import { Client } from '../../api/client';
import type { Transport } from '../../api/transport';
import type { Host } from '../../views/common/hostContext';
import { Drafts } from '../../model/drafts';
import { Clock, browserZone } from '../../model/time';
import { english } from '../../model/translation';
import { notebookOfKernel, overKernel } from './kernelTransport';
import type { IModel } from './traits';
import type { INotebook } from './notebook';
import { notebookAround } from './notebook';
import { jupyterPage, notebookOf, pageTransport } from './page';

/** Where the widget is, and how it asks. */
export interface ISurroundings {
  transport: Transport;
  /** the open notebook, where the page shows it to widgets */
  notebook: INotebook | null;
  /** The path of the notebook that is to be scheduled, relative to the server's root; empty when nobody knows. */
  findNotebook(): Promise<string>;
}

/** A Jupyter page asks its own server; anything else asks through the kernel. */
export function surroundings(model: IModel): ISurroundings {
  const page = jupyterPage();
  const notebook = notebookAround(model);
  const transport = page ? pageTransport(page) : overKernel(model);
  return {
    transport,
    notebook,
    findNotebook: async () =>
      (model.get('notebook') as string) ||
      notebook?.path ||
      (page ? notebookOf(page, model.get('kernel_id') as string) : notebookOfKernel(transport))
  };
}

/** The host of a widget whose requests travel by `transport`. */
export function hostOf(transport: Transport, notebook: INotebook | null): Host {
  const zone = browserZone();
  const isOpen = (path: string) => notebook?.path === path;
  return {
    api: new Client(transport, zone),
    trans: english,
    clock: new Clock(zone, document.documentElement.lang, english),
    drafts: new Drafts(document.location.origin, storage()),
    now: Date.now,
    save: async path => (isOpen(path) ? notebook!.save() : false),
    watchUnsaved: (path, listener) => (isOpen(path) ? notebook!.watchUnsaved(listener) : () => undefined),
    onSaved: (path, listener) => (isOpen(path) ? notebook!.onSaved(listener) : () => undefined)
  };
}

/** The browser's storage; one that forgets where the page is forbidden to have any. */
function storage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  }
}
