/** JupyterLab's notifications about schedules and runs that nobody looks at; loaded when something happens. */
import { Notification } from '@jupyterlab/apputils';

import { Commands } from '../../tokens';
import type { News } from '../../api/schemas';
import type { ChangeEvent } from './serverEvents';
import { takeUntold, describeSuccess } from '../../model/notifications';
import { describeCause } from '../../model/runs';
import type { Services } from './services';
import { createClient } from './client';

/** milliseconds: it covers the panel's buttons; the bell keeps it */
const SHOWN = 10_000;
/** the notifications that reached nobody, once that was told */
const LOST = new Set<string>();

/** Tell of a run that failed, a first success, a recovery, a schedule that paused itself, of silence, and of who wasn't told. */
export async function showNotification(
  { app, trans }: Services,
  { kind, run: id, schedule: name }: ChangeEvent
): Promise<void> {
  if (!name) {
    return;
  }
  const api = createClient(app);
  const options = (run: string) => {
    const callback = () => void app.commands.execute(Commands.showRun, { run, schedule: name });
    return { actions: [{ label: trans.__('Open run'), callback }], autoClose: SHOWN };
  };
  if (id && (kind === 'run_failed' || kind === 'run_timed_out')) {
    const run = await api.run(id);
    Notification.error(trans.__('%1: %2', name, describeCause(run) || trans.__('the run failed')), options(id));
    return;
  }
  if (kind === 'notification_given_up') {
    for (const { channel, trouble, run_id } of takeUntold((await api.status()).undelivered ?? [], id ?? '', LOST)) {
      Notification.warning(trans.__('%1: %2 was not told. %3', name, channel, trouble), options(run_id));
    }
    return;
  }
  const { last_runs, paused } = await api.schedule(name);
  if (kind === 'run_succeeded') {
    const text = describeSuccess(name, last_runs, id ?? '', trans);
    if (text) {
      Notification.success(text, options(id ?? ''));
    }
  } else {
    const text =
      kind === 'schedule_silent'
        ? trans.__('%1: nothing was published in time.', name)
        : trans.__('%1 paused itself: %2.', name, paused?.note ?? '');
    Notification.warning(text, last_runs[0] ? options(last_runs[0].run_id) : { autoClose: SHOWN });
  }
}

/** Tell what failed while nobody was here; it stays until somebody has seen it. */
export function showNews({ app, trans }: Services, { failed, schedule: last, run_id: run }: News): void {
  const schedule = last ?? '';
  const open = () => void app.commands.execute(Commands.showRun, { run, schedule });
  const list = () => void app.commands.execute(Commands.show, { chip: 'failing' });
  const actions = [{ label: trans.__('Open run'), callback: open }];
  if (failed > 1) {
    actions.push({ label: trans.__('Show failing'), callback: list });
  }
  const text =
    failed > 1
      ? trans.__('%1 schedules have failed since you were here, %2 last.', failed, schedule)
      : trans.__('%1 has failed since you were here.', schedule);
  Notification.warning(text, { actions, autoClose: false });
}
