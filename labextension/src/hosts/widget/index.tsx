/** The widget's front end, as anywidget starts it: one view in one cell's output. */
import { createRoot } from 'react-dom/client';

import { discoverContext } from './widgetHost';
import type { WidgetModel } from './traits';
import { Widget } from './Widget';

export default {
  render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
    el.classList.add('jp-Schedule-widget');
    // Keys that are pressed here are the form's: the notebook's own would run or delete cells.
    el.setAttribute('data-lm-suppress-shortcuts', 'true');
    const root = createRoot(el);
    root.render(<Widget model={model} context={discoverContext(model)} />);
    return () => root.unmount();
  }
};
