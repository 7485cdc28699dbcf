/** Which notebook a widget shows. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';

/** Its path under Jupyter's root as the server knows it, without the drive of real-time collaboration. */
export function notebookOf(app: JupyterFrontEnd, panel: NotebookPanel | null): string | null {
  return panel ? app.serviceManager.contents.localPath(panel.context.path) : null;
}
