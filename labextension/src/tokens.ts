/** What other extensions can ask of ours. */
import { Token } from '@lumino/coreutils';

import type { View } from './model/views';

/** The panel, one per window. */
export interface ISchedulePanel {
  /** Show a view of the panel, wherever the panel is. */
  open(view: View): void;
  /** Whether somebody looks at that run. */
  shows(run: string): boolean;
}

export const ISchedulePanel = new Token<ISchedulePanel>(
  'jupyter-schedule:ISchedulePanel',
  'Shows schedules, runs and the form that schedules a notebook.'
);
