/** The widget's front end, as anywidget starts it: one view in one cell's output. */
import { createRoot } from 'react-dom/client';

import { surroundings } from './widgetHost';
import type { IModel } from './traits';
import { Widget } from './Widget';

export default {
  render({ model, el }: { model: IModel; el: HTMLElement }): () => void {
    el.classList.add('jp-Schedule-widget');
    // Keys that are pressed here are the form's: the notebook's own would run or delete cells.
    el.setAttribute('data-lm-suppress-shortcuts', 'true');
    const root = createRoot(el);
    root.render(<Widget model={model} around={surroundings(model)} />);
    return () => root.unmount();
  }
};
