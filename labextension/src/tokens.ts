/** The token by which other extensions reach ours, and the ids of our commands. */
import { Token } from '@lumino/coreutils';

import type { View } from './model/views';

/** The panel, one per window. */
export interface ISchedulePanel {
  /** Show a view of the panel, wherever the panel is. */
  open(view: View): void;
  /** True while somebody looks at that run. */
  shows(run: string): boolean;
}

export const ISchedulePanel = new Token<ISchedulePanel>(
  'jupyter-schedule:ISchedulePanel',
  'Shows schedules, runs and the form that schedules a notebook.'
);

/** The ids of our commands. */
export const Commands = {
  schedule: 'jupyter-schedule:schedule',
  runOnce: 'jupyter-schedule:run-once',
  show: 'jupyter-schedule:show',
  showLastRun: 'jupyter-schedule:show-last-run',
  showRun: 'jupyter-schedule:show-run',
  move: 'jupyter-schedule:move-panel'
} as const;
