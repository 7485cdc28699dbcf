/** The door in JupyterLab and Notebook 7: small plugins, of which the panel is loaded when it is opened. */
import { commands } from './plugins/commands';
import { fileBrowser } from './plugins/fileBrowser';
import { launcher } from './plugins/launcher';
import { notifications } from './plugins/notifications';
import { panel } from './plugins/panel';
import { statusBar } from './plugins/statusBar';
import { toolbar } from './plugins/toolbar';

export { ISchedulePanel } from './tokens';

export default [panel, commands, toolbar, fileBrowser, launcher, notifications, statusBar];
