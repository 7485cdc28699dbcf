/** Notifications while nobody looks.  Nothing is loaded or asked before something happens. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';

import { askForNews } from '../hosts/lab/news';
import { onChange } from '../hosts/lab/serverEvents';
import { collectServices } from '../hosts/lab/services';
import { ISchedulePanel } from '../tokens';

const NEWS = new Set([
  ...['run_failed', 'run_timed_out', 'run_succeeded'],
  ...['schedule_auto_paused', 'schedule_silent', 'notification_given_up']
]);

export const notifications: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:notifications',
  description:
    'Tells of runs that failed, first successes and recoveries, and of schedules that paused themselves or are silent.',
  requires: [ISchedulePanel],
  optional: [ITranslator],
  autoStart: true,
  activate: (app, panel: ISchedulePanel, translator: ITranslator | null) => {
    const services = collectServices(app, translator);
    app.restored
      .then(() => askForNews(app))
      .then(news => news && load().then(({ showNews }) => showNews(services, news)))
      .catch((error: unknown) => console.warn('jupyter-schedule: no news', error));
    onChange(app, change => {
      if (NEWS.has(change.kind) && !panel.shows(change.run ?? '')) {
        load()
          .then(({ showNotification }) => showNotification(services, change))
          .catch((error: unknown) => console.warn('jupyter-schedule: no notification', error));
      }
    });
  }
};

function load(): Promise<typeof import('../hosts/lab/showNotification')> {
  return import(/* webpackChunkName: "small" */ '../hosts/lab/showNotification');
}
