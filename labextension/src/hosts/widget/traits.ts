/** The traits that the front end shares with the kernel: what it learns from the API is told there, where people observe it. */
import type { Run, Schedule } from '../../api/schemas';
import type { ApiRequest, Transport } from '../../api/transport';
import { isSame } from '../../model/patch';

/** The widget's side of the kernel's traits and messages, as anywidget hands it over. */
export interface WidgetModel {
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
export function withScheduleTraits(transport: Transport, model: WidgetModel): Transport {
  const isOurs = (name: string) => name === (model.get('schedule') as Schedule | null)?.name;
  const tellRun = (run: Run | undefined) => {
    const known = model.get('last_run') as Run | null;
    if (run && isOurs(run.schedule) && !(known && known.created_at > run.created_at)) {
      setTrait(model, 'last_run', run);
    }
  };
  return async ask => {
    const answer = await transport(ask);
    switch (subjectOf(ask)) {
      case 'created':
        setTrait(model, 'schedule', answer);
        tellRun((answer as Schedule).last_runs?.[0]);
        break;
      case 'schedule':
        if (isOurs((answer as Schedule).name)) {
          setTrait(model, 'schedule', answer);
          tellRun((answer as Schedule).last_runs?.[0]);
        }
        break;
      case 'deleted':
        if (isOurs((answer as Schedule).name)) {
          setTrait(model, 'schedule', null);
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
export function withRunTrait(transport: Transport, model: WidgetModel): Transport {
  return async ask => {
    const answer = await transport(ask);
    if (subjectOf(ask) === 'run' && (answer as Run).run_id === model.get('run_id')) {
      setTrait(model, 'run', answer);
    }
    return answer;
  };
}

function setTrait(model: WidgetModel, trait: string, value: unknown): void {
  if (!isSame(model.get(trait), value)) {
    model.set(trait, value);
    model.save_changes();
  }
}

/** The subject of a request's answer; nothing for lists, logs and the like. */
function subjectOf({ method = 'GET', path }: ApiRequest): 'created' | 'schedule' | 'deleted' | 'run' | undefined {
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
