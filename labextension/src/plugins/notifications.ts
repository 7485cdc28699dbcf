/** What is told while nobody looks.  Nothing is loaded or asked before something happens. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { onChange } from '../hosts/lab/serverEvents';
import { servicesOf } from '../hosts/lab/services';
import { ISchedulePanel } from '../tokens';

/** milliseconds in which several changes are one */
const GATHER = 1000;
const NEWS = new Set([
  ...['run_failed', 'run_timed_out', 'run_succeeded'],
  ...['schedule_auto_paused', 'schedule_silent', 'word_given_up']
]);

export const notifications: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:notifications',
  description:
    'Tells of runs that failed, first successes and recoveries, and of schedules that paused themselves or are silent.',
  requires: [ISchedulePanel],
  optional: [ITranslator],
  autoStart: true,
  activate: (app, panel: ISchedulePanel, translator: ITranslator | null) => {
    const services = servicesOf(app, translator);
    onChange(app, change => {
      if (NEWS.has(change.kind) && !panel.shows(change.run ?? '')) {
        import(/* webpackChunkName: "small" */ '../hosts/lab/notifications')
          .then(({ tell }) => tell(services, change))
          .catch((error: unknown) => console.warn('jupyter-schedule: no notification', error));
      }
    });
  }
};

export const statusBar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:status-bar',
  description: 'Shows how many schedules are failing and how many runs are going, once anything happened.',
  optional: [IStatusBar, ITranslator],
  autoStart: true,
  activate: (app, bar: IStatusBar | null, translator: ITranslator | null) => {
    if (!bar) {
      return;
    }
    const services = servicesOf(app, translator);
    const item = new Widget();
    bar.registerStatusItem('jupyter-schedule:counts', { item, align: 'right', rank: 90 });
    let timer: ReturnType<typeof setTimeout> | undefined;
    onChange(app, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        import(/* webpackChunkName: "small" */ '../hosts/lab/notifications')
          .then(({ count }) => count(services, item.node))
          .catch((error: unknown) => console.warn('jupyter-schedule: no counts', error));
      }, GATHER);
    });
  }
};
