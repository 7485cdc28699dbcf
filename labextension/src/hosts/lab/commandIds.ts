/** The ids of our commands. */
export const Commands = {
  schedule: 'jupyter-schedule:schedule',
  runOnce: 'jupyter-schedule:run-once',
  show: 'jupyter-schedule:show',
  showLastRun: 'jupyter-schedule:show-last-run',
  showRun: 'jupyter-schedule:show-run',
  move: 'jupyter-schedule:move-panel'
} as const;
