/** The button in every notebook's toolbar.  It says so when the notebook has a schedule, and how that is doing. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ServerConnection } from '@jupyterlab/services';
import { ITranslator } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import type { NotebookStatus } from '../api/schemas';
import { Commands, ISchedulePanel } from '../tokens';
import { onChange } from '../hosts/lab/serverEvents';
import { calendarIcon } from '../hosts/lab/icon';
import { getNotebookPath, collectServices } from '../hosts/lab/services';
import type { Services } from '../hosts/lab/services';

/** milliseconds in which several changes are one */
const GATHER = 1000;
/** milliseconds after which a notebook that was shown has been drawn */
const SETTLE = 300;
/** the events that change the button */
const TELLING = /^schedule_|^run_(succeeded|failed|timed_out)$/;

/** Drawn by hand: JupyterLab's own button can't be named otherwise than it is labelled. */
class ScheduleButton extends Widget {
  private readonly button = document.createElement('button');
  private readonly label = document.createElement('span');
  private schedule: NotebookStatus | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly forget: () => void;

  constructor(
    private readonly notebook: NotebookPanel,
    private readonly services: Services,
    private readonly panel: ISchedulePanel
  ) {
    super();
    this.addClass('jp-ToolbarButton');
    this.button.type = 'button';
    this.button.className = 'jp-ToolbarButtonComponent jp-Button jp-mod-minimal';
    this.button.addEventListener('click', () => this.open());
    this.label.className = 'jp-ToolbarButtonComponent-label';
    this.label.style.marginInlineStart = '4px';
    this.button.append(calendarIcon.element({ tag: 'span' }), this.label);
    this.node.append(this.button);
    this.draw();
    this.forget = onChange(services.app, ({ kind }) => TELLING.test(kind) && this.look(GATHER));
    notebook.context.pathChanged.connect(() => this.look(GATHER));
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.look(SETTLE);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.look(SETTLE);
  }

  override dispose(): void {
    this.forget();
    clearTimeout(this.timer);
    super.dispose();
  }

  /** In place: a browser gives no click to what was replaced between the press and the release. */
  private draw(): void {
    const { trans } = this.services;
    const { button, label, schedule } = this;
    const failing = schedule?.failing ?? false;
    const words = schedule ? trans.__('Scheduled') : trans.__('Schedule');
    const name = schedule ? trans.__('Scheduled: %1', schedule.summary) : trans.__('Schedule this analysis');
    label.textContent = failing ? `✕ ${words}` : words;
    label.style.color = failing ? 'var(--jp-error-color1)' : '';
    button.title = failing ? `${name} ${trans.__('The last run failed.')}` : name;
    button.setAttribute('aria-label', button.title);
  }

  private open(): void {
    if (this.schedule) {
      this.panel.open({ at: 'history', schedule: this.schedule.name });
    } else {
      void this.services.app.commands.execute(Commands.schedule, { path: this.path });
    }
  }

  private get path(): string {
    return getNotebookPath(this.services.app, this.notebook)!;
  }

  /** Ask for this notebook's schedule in a moment, if the notebook is in view then. */
  private look(wait: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.notebook.isVisible) {
        this.ask().catch((error: unknown) => console.debug('jupyter-schedule: no state of', this.path, error));
      }
    }, wait);
  }

  private async ask(): Promise<void> {
    const { serverSettings } = this.services.app.serviceManager;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const query = new URLSearchParams({ notebook: this.path, reader: zone }).toString();
    const url = `${serverSettings.baseUrl}jupyter-schedule/scheduled?${query}`;
    const answer = await ServerConnection.makeRequest(url, {}, serverSettings);
    this.schedule = answer.ok ? ((await answer.json()) as NotebookStatus | null) : null;
    this.draw();
  }
}

export const toolbar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-schedule:toolbar',
  description: 'Adds the button that schedules a notebook to its toolbar.',
  requires: [ISchedulePanel, IToolbarWidgetRegistry],
  optional: [ITranslator],
  autoStart: true,
  activate: (app, panel: ISchedulePanel, registry: IToolbarWidgetRegistry, translator: ITranslator | null) => {
    const services = collectServices(app, translator);
    registry.addFactory<NotebookPanel>(
      'Notebook',
      'schedule',
      notebook => new ScheduleButton(notebook, services, panel)
    );
  }
};
