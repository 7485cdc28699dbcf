/** JupyterLab as the components' host. */
import { IFrame, MainAreaWidget } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';

import type { Host } from '../../views/common/hostContext';
import { FRAME } from '../../views/common/hostContext';
import { Commands } from '../../tokens';
import { onChange } from './serverEvents';
import { Drafts } from '../../model/drafts';
import { Clock, browserZone } from '../../model/time';
import { toFragment } from '../../model/views';
import { calendarIcon } from './icon';
import type { Services } from './services';
import { createClient } from './client';
import { findPanel, saveNotebook } from './notebooks';

const BROWSE = 'filebrowser:activate';

export function createLabHost({ app, tracker, labShell, trans, language }: Services): Host {
  const baseUrl = PageConfig.getBaseUrl();
  return {
    api: createClient(app),
    trans,
    clock: new Clock(browserZone(), language, trans),
    drafts: new Drafts(baseUrl),
    now: Date.now,
    save: notebook => saveNotebook(app, tracker, notebook),
    onSaved: (notebook, listener) => {
      const context = findPanel(app, tracker, notebook)?.context;
      const saved = (_: unknown, state: string) => state === 'completed' && listener();
      context?.saveState.connect(saved);
      return () => void context?.saveState.disconnect(saved);
    },
    watchUnsaved: (notebook, listener) => {
      const model = findPanel(app, tracker, notebook)?.context.model;
      const tell = () => listener(model?.dirty ?? false);
      tell();
      model?.stateChanged.connect(tell);
      return () => void model?.stateChanged.disconnect(tell);
    },
    signInAt: `${baseUrl}login?next=${encodeURIComponent(`${baseUrl}${labShell ? 'lab' : 'tree'}`)}`,
    openNotebook: (notebook, cell) => void openNotebook(notebook, cell),
    openReport: labShell ? openReport : undefined,
    move: labShell ? () => void app.commands.execute(Commands.move) : undefined,
    uploads: true,
    browse: () =>
      app.commands.hasCommand(BROWSE)
        ? void app.commands.execute(BROWSE)
        : void window.open(`${baseUrl}tree`, '_blank'),
    linkTo: view => `${baseUrl}${labShell ? 'lab' : 'tree'}?schedule-view=${encodeURIComponent(toFragment(view))}`,
    onChange: listener => onChange(app, listener)
  };

  async function openNotebook(notebook: string, cell?: number): Promise<void> {
    const panel = (await app.commands.execute('docmanager:open', { path: notebook })) as NotebookPanel | undefined;
    if (!panel || !cell) {
      return;
    }
    await panel.context.ready;
    await panel.revealed;
    const { content } = panel;
    const place = content.widgets.findIndex(
      ({ model }, index, all) =>
        model.type === 'code' && all.slice(0, index + 1).filter(other => other.model.type === 'code').length === cell
    );
    if (place >= 0) {
      content.activeCellIndex = place;
      await content.scrollToItem(place, 'center');
    }
  }

  function openReport(title: string, url: string): void {
    const content = new IFrame({
      sandbox: FRAME.split(' ') as IFrame.SandboxExceptions[],
      referrerPolicy: 'no-referrer'
    });
    content.url = url;
    const widget = new MainAreaWidget({ content });
    widget.title.label = title;
    widget.title.icon = calendarIcon;
    widget.title.closable = true;
    app.shell.add(widget, 'main');
  }
}
