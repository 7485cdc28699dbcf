/** The parts of JupyterLab that our plugins work with. */
import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';

import type { TranslationBundle } from '../../model/translation';

export interface Services {
  app: JupyterFrontEnd;
  tracker: INotebookTracker | null;
  /** null in Notebook 7, whose main area has room for one thing */
  labShell: ILabShell | null;
  trans: TranslationBundle;
  /** such as `fr_FR` */
  language: string;
}

export function collectServices(
  app: JupyterFrontEnd,
  translator: ITranslator | null,
  tracker: INotebookTracker | null = null,
  labShell: ILabShell | null = null
): Services {
  const { languageCode = 'en' } = translator ?? {};
  return {
    app,
    tracker,
    labShell,
    trans: (translator ?? nullTranslator).load('jupyter_schedule'),
    language: languageCode
  };
}

/** A notebook's path under Jupyter's root as the server knows it, without the drive of real-time collaboration. */
export function getNotebookPath(app: JupyterFrontEnd, panel: NotebookPanel | null): string | null {
  return panel ? app.serviceManager.contents.localPath(panel.context.path) : null;
}
