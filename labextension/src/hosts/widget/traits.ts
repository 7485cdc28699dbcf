/** The traits that the front end shares with the kernel: what it learns from the API is told there, where people observe it. */
import type { Run, Schedule } from '../../api/schemas';
import type { Ask, Transport } from '../../api/transport';
import { same } from '../../model/patch';

/** The widget's side of the kernel's traits and messages, as anywidget hands it over. */
export interface IModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (content: unknown) => void): void;
  off(event: string, callback: (content: unknown) => void): void;
  send(content: unknown): void;
  /** the host's; in JupyterLab it knows the notebook */
  widget_manager?: unknown;
}

/** `transport`, telling the traits `schedule` and `last_run` what it answers about the schedule that was made here. */
export function tellingSchedule(transport: Transport, model: IModel): Transport {
  const isOurs = (name: string) => name === (model.get('schedule') as Schedule | null)?.name;
  const tellRun = (run: Run | undefined) => {
    const known = model.get('last_run') as Run | null;
    if (run && isOurs(run.schedule) && !(known && known.created_at > run.created_at)) {
      tell(model, 'last_run', run);
    }
  };
  return async ask => {
    const answer = await transport(ask);
    switch (kindOf(ask)) {
      case 'created':
        tell(model, 'schedule', answer);
        tellRun((answer as Schedule).last_runs?.[0]);
        break;
      case 'schedule':
        if (isOurs((answer as Schedule).name)) {
          tell(model, 'schedule', answer);
          tellRun((answer as Schedule).last_runs?.[0]);
        }
        break;
      case 'deleted':
        if (isOurs((answer as Schedule).name)) {
          tell(model, 'schedule', null);
        }
        break;
      case 'run':
        tellRun(answer as Run);
        break;
    }
    return answer;
  };
}

/** `transport`, telling the trait `run` what it answers about that run. */
export function tellingRun(transport: Transport, model: IModel): Transport {
  return async ask => {
    const answer = await transport(ask);
    if (kindOf(ask) === 'run' && (answer as Run).run_id === model.get('run_id')) {
      tell(model, 'run', answer);
    }
    return answer;
  };
}

function tell(model: IModel, trait: string, value: unknown): void {
  if (!same(model.get(trait), value)) {
    model.set(trait, value);
    model.save_changes();
  }
}

/** What a request's answer is about; nothing for lists, logs and the like. */
function kindOf({ method = 'GET', path }: Ask): 'created' | 'schedule' | 'deleted' | 'run' | undefined {
  if (path === 'schedules') {
    return method === 'POST' ? 'created' : undefined;
  }
  const [noun, , verb] = path.split('/');
  if (noun === 'schedules' && (!verb || verb === 'pause' || verb === 'resume')) {
    return method === 'DELETE' ? 'deleted' : 'schedule';
  }
  const isRun = noun === 'runs' ? !verb || verb === 'cancel' || verb === 'retry' : verb === 'run';
  return isRun ? 'run' : undefined;
}
