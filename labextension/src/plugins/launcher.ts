/** The launcher's card. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Commands } from '../tokens';
import { calendarIcon } from '../hosts/lab/icon';

const COMMAND = 'jupyter-schedule:launch';

export const launcher: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:launcher',
  description: 'Adds a card that shows the schedules to the launcher.',
  optional: [ILauncher, ITranslator],
  autoStart: true,
  activate: (app, cards: ILauncher | null, translator: ITranslator | null) => {
    if (!cards) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('jupyter_schedule');
    app.commands.addCommand(COMMAND, {
      label: trans.__('Schedules'),
      caption: trans.__('See what runs by itself, and how it went'),
      icon: calendarIcon,
      execute: () => app.commands.execute(Commands.show)
    });
    cards.add({ command: COMMAND, category: trans.__('Other'), rank: 10 });
  }
};
