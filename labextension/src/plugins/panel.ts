/** The panel in the right sidebar, or in the main area; what it shows is loaded when it is first shown. */
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { Commands, ISchedulePanel } from '../tokens';
import { calendarIcon } from '../hosts/lab/icon';
import type { MountedPanel } from '../hosts/lab/mountPanel';
import type { View } from '../model/views';
import type { Services } from '../hosts/lab/services';
import { collectServices } from '../hosts/lab/services';

const ID = 'jupyter-schedule-panel';
/** the query of an address that leads to a view */
const QUERY = 'schedule-view';

/** A sidebar has no width of its own to ask for; this one is read once its layout is made. */
const WIDTH = 'clamp(320px, 28vw, 400px)';

/** Draws itself when it is first shown; asks for nothing while it is hidden. */
class PanelWidget extends Widget {
  private mounted: Promise<MountedPanel> | null = null;
  private view: View = { at: 'list' };

  constructor(private readonly services: Services) {
    super();
    this.id = ID;
    this.node.style.minWidth = WIDTH;
    this.title.icon = calendarIcon;
    this.title.caption = services.trans.__('Schedules');
    services.tracker?.currentChanged.connect(() => this.renew());
  }

  /** True while somebody looks at that run. */
  shows(run: string): boolean {
    return this.isVisible && this.view.at === 'run' && this.view.run === run;
  }

  get isInMain(): boolean {
    return this.node.closest('#jp-main-dock-panel') !== null;
  }

  go(view: View): void {
    this.view = view;
    this.renew();
  }

  /** In the main area, closing puts it back into the sidebar. */
  protected override onCloseRequest(): void {
    void this.services.app.commands.execute(Commands.move, { area: 'right' });
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.renew();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    // A restored layout moves it without asking us.
    this.title.closable = this.isInMain;
    this.title.label = this.isInMain ? this.services.trans.__('Schedules') : '';
    this.widenSidebar();
    this.renew();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    void this.mounted?.then(mounted => mounted.focus());
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.renew();
  }

  /** Notebook 7's sidebar doesn't ask what it holds how wide that has to be. */
  private widenSidebar(): void {
    const sidebar = this.services.labShell ? null : this.parent?.parent;
    if (sidebar) {
      sidebar.node.style.minWidth = WIDTH;
      sidebar.parent?.fit();
    }
  }

  override dispose(): void {
    void this.mounted?.then(mounted => mounted.unmount());
    super.dispose();
  }

  private renew(): void {
    if (this.isVisible && !this.mounted) {
      this.mounted = import('../hosts/lab/mountPanel').then(({ mountPanel }) =>
        mountPanel(this.node, this.services, view => this.go(view))
      );
    }
    void this.mounted?.then(mounted => mounted.show(this.view, this.isVisible));
  }
}

export const panel: JupyterFrontEndPlugin<ISchedulePanel> = {
  id: 'jupyter-schedule:panel',
  description: 'Shows schedules, runs and the form that schedules a notebook.',
  provides: ISchedulePanel,
  optional: [INotebookTracker, ITranslator, ILabShell, ILayoutRestorer],
  autoStart: true,
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker | null,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ): ISchedulePanel => {
    const { shell, commands } = app;
    const services = collectServices(app, translator, tracker, labShell);
    const { trans } = services;
    const widget = new PanelWidget(services);
    shell.add(widget, 'right', { rank: 900, type: 'Schedules' });
    restorer?.add(widget, ID);
    const open = (view: View) => {
      widget.go(view);
      // A layout that comes back later would close what is opened now.
      void app.restored.then(() => shell.activateById(ID));
    };
    if (labShell) {
      commands.addCommand(Commands.move, {
        label: () =>
          widget.isInMain ? trans.__('Move Schedules to the Sidebar') : trans.__('Move Schedules to the Main Area'),
        execute: async ({ area }) => {
          await app.restored;
          const goal = (area as string | undefined) ?? (widget.isInMain ? 'right' : 'main');
          shell.add(widget, goal, { rank: 900 });
          if (area === undefined) {
            shell.activateById(ID);
          }
        }
      });
    }
    const asked = new URLSearchParams(window.location.search).get(QUERY);
    if (asked !== null) {
      void import('../model/views').then(({ fromFragment }) => open(fromFragment(asked)));
    }
    return { open, shows: run => widget.shows(run) };
  }
};
