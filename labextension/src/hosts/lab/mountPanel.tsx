/** The panel's contents in JupyterLab's page: loaded when the panel is first shown. */
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';

import { Panel } from '../../views/Panel';
import type { View } from '../../model/views';
import { notebookOf } from './notebooks';
import type { Services } from './services';
import { hostOf } from './labHost';

import '../../../style/panel.css';

export interface Mounted {
  show(view: View, visible: boolean): void;
  /** Put the keyboard's focus where the view begins. */
  focus(): void;
  unmount(): void;
}

/** Draw the panel into `node`; `go` hears where the person wants to be. */
export function mount(node: HTMLElement, services: Services, go: (view: View) => void): Mounted {
  const root = createRoot(node);
  const host = hostOf(services);
  return {
    show: (view, visible) => {
      const notebook = notebookOf(services.app, services.tracker?.currentWidget ?? null);
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
