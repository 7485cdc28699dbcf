/** What is told while nobody looks, and how many fail and run; loaded when something happens. */
import { Notification } from '@jupyterlab/apputils';

import { Commands } from './commandIds';
import type { Change } from './serverEvents';
import { lostNews, successNews } from '../../model/notifications';
import { cause } from '../../model/runs';
import type { Services } from './services';
import { clientOf } from './client';

/** milliseconds: it covers the panel's buttons; the bell keeps it */
const SHOWN = 10_000;
/** the words that reached nobody, of which was told */
const LOST = new Set<string>();

/** Tell of a run that failed, a first success, a recovery, a schedule that paused itself, of silence, and of who wasn't told. */
export async function tell({ app, trans }: Services, { kind, run: id, schedule: name }: Change): Promise<void> {
  if (!name) {
    return;
  }
  const api = clientOf(app);
  const options = (run: string) => {
    const callback = () => void app.commands.execute(Commands.showRun, { run, schedule: name });
    return { actions: [{ label: trans.__('Open run'), callback }], autoClose: SHOWN };
  };
  if (id && (kind === 'run_failed' || kind === 'run_timed_out')) {
    const run = await api.run(id);
    Notification.error(trans.__('%1: %2', name, cause(run) || trans.__('the run failed')), options(id));
    return;
  }
  if (kind === 'word_given_up') {
    for (const { channel, trouble, run_id } of lostNews((await api.status()).undelivered ?? [], id ?? '', LOST)) {
      Notification.warning(trans.__('%1: %2 was not told. %3', name, channel, trouble), options(run_id));
    }
    return;
  }
  const { last_runs, paused } = await api.schedule(name);
  if (kind === 'run_succeeded') {
    const text = successNews(name, last_runs, id ?? '', trans);
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

/** Draw `1 failing · 2 running` into `node`; each part leads to the list, so filtered. */
export async function count({ app, trans }: Services, node: HTMLElement): Promise<void> {
  const { failing, running } = await clientOf(app).status();
  const part = (number: number, chip: string, text: string) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-StatusBar-TextItem';
    button.style.cssText = 'border: none; background: none; padding: 0 4px; cursor: pointer; color: inherit';
    button.textContent = text;
    button.addEventListener('click', () => void app.commands.execute(Commands.show, { chip }));
    return number > 0 ? [button] : [];
  };
  node.replaceChildren(
    ...part(failing, 'failing', trans.__('%1 failing', failing)),
    ...part(running, 'running', trans.__('%1 running', running))
  );
}
