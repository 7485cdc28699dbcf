/** The host of the views, with all that they need from it: JupyterLab, Notebook 7, a notebook's cell, or a test. */
import { createContext, useContext, useEffect, useState } from 'react';

import type { Client } from '../../api/client';
import type { Drafts } from '../../model/drafts';
import type { Reader } from '../../model/runs';
import type { Clock } from '../../model/time';
import type { TranslationBundle } from '../../model/translation';
import type { View } from '../../model/views';

/** Everything optional is something that not every host can do; its button is left out there. */
export interface Host {
  api: Client;
  trans: TranslationBundle;
  clock: Clock;
  drafts: Drafts;
  /** milliseconds */
  now(): number;
  /** Write the notebook's unsaved edits to disk; answers whether there were any. */
  save?(notebook: string): Promise<boolean>;
  /** Call `listener` whenever the notebook was written to disk; the answer ends that. */
  onSaved?(notebook: string, listener: () => void): () => void;
  /** Tell `listener` now and whenever that changes whether the notebook has unsaved edits; the answer ends that. */
  watchUnsaved?(notebook: string, listener: (unsaved: boolean) => void): () => void;
  /** Where one signs in again. */
  signInAt?: string;
  /** Open a notebook, at the code cell with that number. */
  openNotebook?(notebook: string, cell?: number): void;
  /** Show an executed notebook beside the panel, sandboxed. */
  openReport?(title: string, url: string): void;
  /** Move the panel to the main area, or back. */
  move?(): void;
  /** Files of the person's computer can be sent to the server. */
  uploads?: true;
  /** Show the file browser. */
  browse?(): void;
  /** The address of a view, to be copied. */
  linkTo?(view: View): string;
  /** Call `listener` whenever something changed on the server; the answer ends that. */
  onChange?(listener: () => void): () => void;
}

/**
 * The rights of a frame with a page that a run wrote: the ones of its signed path.
 *
 * Never `allow-same-origin` beside `allow-scripts`: the page would be Jupyter's, and have all its rights.
 */
export const FRAME = 'allow-scripts allow-downloads allow-popups';

const HostContext = createContext<Host | null>(null);
const VisibleContext = createContext(true);

export const HostProvider = HostContext.Provider;
/** True while the panel is shown; a hidden one makes no requests. */
export const VisibleProvider = VisibleContext.Provider;

export function useHost(): Host {
  const host = useContext(HostContext);
  if (!host) {
    throw new Error('This component belongs inside a HostProvider.');
  }
  return host;
}

/** True while somebody can see the panel: it is shown, and so is the page. */
export function useVisible(): boolean {
  const shown = useContext(VisibleContext);
  const [page, setPage] = useState(document.visibilityState !== 'hidden');
  useEffect(() => {
    const follow = () => setPage(document.visibilityState !== 'hidden');
    document.addEventListener('visibilitychange', follow);
    return () => document.removeEventListener('visibilitychange', follow);
  }, []);
  return shown && page;
}

/** The words about runs depend on this, renewed every second while `ticking`. */
export function useReader(ticking: boolean): Reader {
  const { trans, clock, now } = useHost();
  const visible = useVisible();
  const [moment, setMoment] = useState(now);
  useEffect(() => {
    setMoment(now());
    if (!visible) {
      return;
    }
    const timer = setInterval(() => setMoment(now()), ticking ? 1000 : 15_000);
    return () => clearInterval(timer);
  }, [ticking, visible, now]);
  return { trans, clock, now: moment };
}
