import { LabIcon } from '@jupyterlab/ui-components';

/** A calendar sheet with a clock's hands. */
export const calendarIcon = new LabIcon({
  name: 'jupyter-schedule:calendar',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16"><g fill="none" stroke-width="1.4" stroke-linejoin="round" stroke-linecap="round"><path class="jp-icon3" stroke="#616161" d="M2 4.2h12v9.6H2zM2 7h12M5 2.2v3M11 2.2v3"/><path class="jp-icon3" stroke="#616161" d="M8 8.6v2l1.6.9"/></g></svg>`
});
