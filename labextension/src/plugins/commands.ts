/** Everything that can be done, by name: for the palette, the menus, and other extensions. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';

import { Commands, ISchedulePanel } from '../tokens';
import { calendarIcon } from '../hosts/lab/icon';
import { getNotebookPath, collectServices } from '../hosts/lab/services';

export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:commands',
  description: 'Adds the commands that schedule and run analyses, to the palette and to the Run menu.',
  requires: [ISchedulePanel],
  optional: [INotebookTracker, ITranslator, ICommandPalette, IMainMenu],
  autoStart: true,
  activate: (
    app: JupyterFrontEnd,
    panel: ISchedulePanel,
    tracker: INotebookTracker | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    menu: IMainMenu | null
  ) => {
    const services = collectServices(app, translator, tracker);
    const { trans } = services;
    /** the notebook that is named, or else the one in front */
    const subject = (path?: unknown) =>
      (path as string | undefined) ?? getNotebookPath(app, tracker?.currentWidget ?? null);
    // In one chunk with the news: what both need is then shared with the panel, not sent twice.
    const acts = () => import(/* webpackChunkName: "small" */ '../hosts/lab/notebookActions');
    const add = app.commands.addCommand.bind(app.commands);
    add(Commands.schedule, {
      label: trans.__('Schedule this analysis'),
      caption: trans.__('Run this notebook by the clock, with its results kept in one place'),
      icon: calendarIcon,
      execute: async ({ path }) => {
        const notebook = subject(path);
        const saved = notebook !== null && (await (await acts()).saveFirst(services, notebook));
        panel.open(saved ? { at: 'form', notebook, saved } : { at: 'form', notebook });
      }
    });
    add(Commands.runOnce, {
      label: trans.__('Run this analysis once now'),
      isEnabled: () => subject() !== null,
      execute: async ({ path }) => (await acts()).runOnce(services, panel, subject(path)!)
    });
    add(Commands.show, {
      label: trans.__('Show schedules'),
      icon: calendarIcon,
      execute: ({ chip }) => panel.open({ at: 'list', chip: chip as 'failing' | 'running' | undefined })
    });
    add(Commands.showLastRun, {
      label: trans.__('Show this notebook’s last run'),
      isEnabled: () => subject() !== null,
      execute: async ({ path }) => (await acts()).showLastRun(services, panel, subject(path)!)
    });
    add(Commands.showRun, {
      label: trans.__('Show a run'),
      isVisible: () => false,
      execute: ({ run, schedule }) => panel.open({ at: 'run', run: run as string, schedule: schedule as string })
    });
    const shown = [Commands.schedule, Commands.runOnce, Commands.show, Commands.showLastRun].map(command => ({
      command
    }));
    const movable = app.commands.hasCommand(Commands.move) ? [{ command: Commands.move }] : [];
    for (const item of [...shown, ...movable]) {
      palette?.addItem({ ...item, category: trans.__('Schedules') });
    }
    menu?.runMenu.addGroup(shown, 900);
  }
};
