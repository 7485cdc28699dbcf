/** The open notebooks and their unsaved edits. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { Problem } from '../../api/problem';
import { getNotebookPath } from './services';

/** The open panel of a notebook. */
export function findPanel(
  app: JupyterFrontEnd,
  tracker: INotebookTracker | null,
  notebook: string
): NotebookPanel | undefined {
  return tracker?.find(panel => getNotebookPath(app, panel) === notebook);
}

/** Write the notebook's unsaved edits to disk; answers whether there were any.  Rejects with Problem `unsaved`. */
export async function saveNotebook(
  app: JupyterFrontEnd,
  tracker: INotebookTracker | null,
  notebook: string
): Promise<boolean> {
  const context = findPanel(app, tracker, notebook)?.context;
  await context?.ready;
  if (!context?.model.dirty) {
    return false;
  }
  try {
    await context.save();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem('unsaved', `${notebook} couldn’t be saved first, so nothing was scheduled: ${why}`);
  }
  return true;
}
