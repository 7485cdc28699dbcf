/** What is told while nobody looks: a run that failed, a first success, how many of each; loaded when something happens. */
import { Notification } from '@jupyterlab/apputils';

import { Commands } from '../commands';
import type { Change } from '../events';
import { cause } from '../model/runs';
import { duration } from '../model/time';
import type { Services } from '../services';
import { clientOf } from './connection';

/** milliseconds: it covers the panel's buttons; the bell keeps it */
const SHOWN = 10_000;

/** Tell of a run that failed, and of a schedule's first success. */
export async function tell({ app, trans }: Services, { kind, run: id, schedule: name }: Change): Promise<void> {
  if (!id || !name) {
    return;
  }
  const api = clientOf(app);
  const callback = () => void app.commands.execute(Commands.showRun, { run: id, schedule: name });
  const actions = [{ label: trans.__('Open run'), callback }];
  if (kind === 'run_failed' || kind === 'run_timed_out') {
    const run = await api.run(id);
    Notification.error(trans.__('%1: %2', name, cause(run) || trans.__('the run failed')), { actions, autoClose: SHOWN });
  } else if (kind === 'run_succeeded') {
    const { last_runs } = await api.schedule(name);
    const [first, second] = last_runs.filter(({ status }) => status === 'succeeded');
    if (first?.run_id === id && !second) {
      const text = trans.__('%1 ran for the first time, %2.', name, duration(first.seconds ?? 0));
      Notification.success(text, { actions, autoClose: SHOWN });
    }
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
