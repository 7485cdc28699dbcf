/** Events of the server, over the connection that JupyterLab has anyway. */
import type { JupyterFrontEnd } from '@jupyterlab/application';

const SCHEMA = 'https://events.jupyter.org/jupyter_schedule/change';

/** Something happened to a schedule or a run. */
export interface ChangeEvent {
  /** such as `run_failed`, `schedule_paused` */
  kind: string;
  schedule?: string;
  run?: string;
}

/** Hear of every change; the answer ends that. */
export function onChange(app: JupyterFrontEnd, listener: (change: ChangeEvent) => void): () => void {
  const { stream } = app.serviceManager.events;
  const hear = (_: unknown, event: { schema_id: string }) => {
    if (event.schema_id === SCHEMA) {
      listener(event as unknown as ChangeEvent);
    }
  };
  stream.connect(hear);
  return () => void stream.disconnect(hear);
}
