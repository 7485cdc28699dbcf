/** The status bar's item.  Nothing is loaded or asked before something happens. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';

import { onChange } from '../hosts/lab/serverEvents';
import { collectServices } from '../hosts/lab/services';
import type { StatusCounts } from '../hosts/lab/StatusCounts';

/** milliseconds in which several changes are one */
const GATHER = 1000;

export const statusBar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:status-bar',
  description: 'Shows how many schedules are failing and how many runs are going, once anything happened.',
  optional: [IStatusBar, ITranslator],
  autoStart: true,
  activate: (app, bar: IStatusBar | null, translator: ITranslator | null) => {
    if (!bar) {
      return;
    }
    let item: StatusCounts | undefined;
    const renew = async () => {
      const { StatusCounts } = await import(/* webpackChunkName: "small" */ '../hosts/lab/StatusCounts');
      if (!item) {
        item = new StatusCounts(collectServices(app, translator));
        bar.registerStatusItem('jupyter-schedule:counts', { item, align: 'right', rank: 90 });
      }
      await item.renew();
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    onChange(app, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        renew().catch((error: unknown) => console.warn('jupyter-schedule: no counts', error));
      }, GATHER);
    });
  }
};
