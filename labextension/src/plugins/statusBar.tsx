/** The numbers of failing schedules and of runs that go, in the status bar.  Nothing is asked before something happens. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import type { Status } from '../api/schemas';
import { onChange } from '../hosts/lab/serverEvents';
import type { Services } from '../hosts/lab/services';
import { collectServices } from '../hosts/lab/services';
import { Commands } from '../tokens';

/** milliseconds in which several changes are one */
const GATHER = 1000;

/** `1 failing · 2 running`; each part leads to the list, so filtered. */
class StatusCounts extends ReactWidget {
  private counts: Pick<Status, 'failing' | 'running'> = { failing: 0, running: 0 };

  constructor(private readonly services: Services) {
    super();
  }

  display(counts: Pick<Status, 'failing' | 'running'>): void {
    this.counts = counts;
    this.update();
  }

  protected override render(): ReactElement {
    const { trans } = this.services;
    const { failing, running } = this.counts;
    return (
      <>
        {failing > 0 && this.part('failing', trans.__('%1 failing', failing))}
        {running > 0 && this.part('running', trans.__('%1 running', running))}
      </>
    );
  }

  private part(chip: string, text: string): ReactElement {
    return (
      <button
        type="button"
        className="jp-StatusBar-TextItem"
        style={{ border: 'none', background: 'none', padding: '0 4px', cursor: 'pointer', color: 'inherit' }}
        onClick={() => void this.services.app.commands.execute(Commands.show, { chip })}
      >
        {text}
      </button>
    );
  }
}

export const statusBar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:status-bar',
  description: 'Shows how many schedules are failing and how many runs are going, once anything happened.',
  optional: [IStatusBar, ITranslator],
  autoStart: true,
  activate: (app, bar: IStatusBar | null, translator: ITranslator | null) => {
    if (!bar) {
      return;
    }
    const services = collectServices(app, translator);
    const item = new StatusCounts(services);
    bar.registerStatusItem('jupyter-schedule:counts', { item, align: 'right', rank: 90 });
    let timer: ReturnType<typeof setTimeout> | undefined;
    onChange(app, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        import(/* webpackChunkName: "small" */ '../hosts/lab/client')
          .then(({ createClient }) => createClient(app).status())
          .then(status => item.display(status))
          .catch((error: unknown) => console.warn('jupyter-schedule: no counts', error));
      }, GATHER);
    });
  }
};
