/** The work of the commands on a notebook; loaded when one is first used. */
import { showErrorMessage } from '@jupyterlab/apputils';

import { asProblem } from '../../api/problem';
import { createForm, toWire } from '../../model/form';
import type { TranslationBundle } from '../../model/translation';
import type { Services } from './services';
import type { ISchedulePanel } from '../../tokens';
import { createClient } from './client';
import { saveNotebook } from './notebooks';

/** Save a notebook whose form is being opened; answers whether there was anything to save. */
export async function saveFirst({ app, tracker, trans }: Services, notebook: string): Promise<boolean> {
  let saved = false;
  await showProblems(trans, async () => (saved = await saveNotebook(app, tracker, notebook)));
  return saved;
}

/** Run a notebook now: its schedule, or, without one, once only; then show the run. */
export async function runOnce(
  { app, tracker, trans }: Services,
  panel: ISchedulePanel,
  notebook: string
): Promise<void> {
  const api = createClient(app);
  await showProblems(trans, async () => {
    await saveNotebook(app, tracker, notebook);
    const [known] = await api.schedulesOf(notebook);
    if (known) {
      const run = await api.runNow(known.name);
      panel.open({ at: 'run', run: run.run_id, schedule: known.name });
      return;
    }
    const { suggested_name, bundle, problems } = await api.preview(toWire(createForm(notebook, Date.now())));
    const others = problems.filter(({ field }) => field !== 'name');
    if (others.length) {
      panel.open({ at: 'form', notebook });
      return;
    }
    const form = { ...toWire(createForm(notebook, Date.now())), name: suggested_name };
    const made = await api.create({ form, bundle, run_now: true, once_only: true }, `${Date.now()} ${notebook}`);
    const [run] = made.last_runs;
    panel.open(run ? { at: 'run', run: run.run_id, schedule: made.name } : { at: 'history', schedule: made.name });
  });
}

/** Show the newest run of a notebook's schedules, or the form when there is none. */
export async function showLastRun({ app, trans }: Services, panel: ISchedulePanel, notebook: string): Promise<void> {
  await showProblems(trans, async () => {
    const runs = (await createClient(app).schedulesOf(notebook)).flatMap(({ last_runs }) => last_runs);
    const [last] = runs.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
    panel.open(last ? { at: 'run', run: last.run_id, schedule: last.schedule } : { at: 'form', notebook });
  });
}

async function showProblems(trans: TranslationBundle, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await showErrorMessage(trans.__('Schedules'), asProblem(error).message);
  }
}
