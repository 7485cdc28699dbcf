/** The panel's contents in JupyterLab's page: loaded when the panel is first shown. */
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';

import { Panel } from '../../views/Panel';
import type { View } from '../../model/views';
import { getNotebookPath } from './services';
import type { Services } from './services';
import { createLabHost } from './labHost';

import '../../../style/panel.css';

export interface MountedPanel {
  show(view: View, visible: boolean): void;
  /** Put the keyboard's focus where the view begins. */
  focus(): void;
  unmount(): void;
}

/** Draw the panel into `node`; `go` hears where the person wants to be. */
export function mountPanel(node: HTMLElement, services: Services, go: (view: View) => void): MountedPanel {
  const root = createRoot(node);
  const host = createLabHost(services);
  return {
    show: (view, visible) => {
      const notebook = getNotebookPath(services.app, services.tracker?.currentWidget ?? null);
      // at once, so that what is asked for the focus next is there
      flushSync(() => root.render(<Panel host={host} view={view} go={go} visible={visible} notebook={notebook} />));
    },
    focus: () => {
      if (!node.contains(document.activeElement)) {
        const name = node.querySelector<HTMLElement>('[data-field="name"] input');
        (name ?? node.querySelector<HTMLElement>('.jp-Schedule'))?.focus();
      }
    },
    unmount: () => root.unmount()
  };
}
