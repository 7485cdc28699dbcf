/** *Schedule this analysis* in the context menu of a notebook in the file browser. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Commands } from '../tokens';
import { calendarIcon } from '../hosts/lab/icon';

const COMMAND = 'jupyter-schedule:schedule-selected';

export const fileBrowser: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:file-browser',
  description: 'Adds the command that schedules a notebook to its menu in the file browser.',
  optional: [IFileBrowserFactory, ITranslator],
  autoStart: true,
  activate: (app, factory: IFileBrowserFactory | null, translator: ITranslator | null) => {
    if (!factory) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('jupyter_schedule');
    app.commands.addCommand(COMMAND, {
      label: trans.__('Schedule this analysis'),
      icon: calendarIcon,
      execute: () => {
        const [item] = factory.tracker.currentWidget?.selectedItems() ?? [];
        return (
          item && app.commands.execute(Commands.schedule, { path: app.serviceManager.contents.localPath(item.path) })
        );
      }
    });
    app.contextMenu.addItem({
      command: COMMAND,
      selector: '.jp-DirListing-item[data-file-type="notebook"]',
      rank: 5
    });
  }
};
