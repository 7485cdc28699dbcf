/** The widget: the panel's own views, with presets and values from Python. */
import type { ReactElement } from 'react';
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';

import type { Form, Run, Schedule } from '../../api/schemas';
import { ProblemBox, Waiting } from '../../views/common/messages';
import { HostProvider } from '../../views/common/hostContext';
import { Panel } from '../../views/Panel';
import { ScheduleForm } from '../../views/form/ScheduleForm';
import { findNewest } from '../../model/runs';
import type { View } from '../../model/views';
import type { WidgetContext } from './widgetHost';
import { createWidgetHost } from './widgetHost';
import type { WidgetModel } from './traits';
import { withRunTrait, withScheduleTraits } from './traits';

export interface WidgetProps {
  model: WidgetModel;
  context: WidgetContext;
}

export function Widget({ model, context }: WidgetProps): ReactElement {
  return model.get('view') === 'run' ? (
    <RunWidget model={model} context={context} />
  ) : (
    <FormWidget model={model} context={context} />
  );
}

function RunWidget({ model, context }: WidgetProps): ReactElement {
  const run = useTrait<string>(model, 'run_id');
  const host = useMemo(
    () => createWidgetHost(withRunTrait(context.transport, model), context.notebook),
    [context, model]
  );
  const [view, go] = useState<View>({ at: 'run', run });
  useEffect(() => go({ at: 'run', run }), [run]);
  return <Panel host={host} view={view} go={go} visible notebook={context.notebook?.path ?? null} />;
}

function FormWidget({ model, context }: WidgetProps): ReactElement {
  const notebook = useNotebook(context, useTrait<string>(model, 'notebook'));
  const host = useMemo(
    () => createWidgetHost(withScheduleTraits(context.transport, model), context.notebook),
    [context, model]
  );
  const [view, go] = useState<View>(() => startOf(model));
  if (notebook === undefined) {
    return (
      <div className="jp-Schedule">
        <HostProvider value={host}>
          <Waiting />
        </HostProvider>
      </div>
    );
  }
  // A form without a notebook is this widget's own: a new schedule of the notebook that it is in.
  const isOwn = view.at === 'form' && !view.schedule && !view.from && (view.notebook ?? notebook) === notebook;
  if (!isOwn) {
    return <Panel host={host} view={view} go={go} visible notebook={notebook || null} />;
  }
  if (!notebook) {
    return <Sentence text={'Which notebook is this? Say it: ScheduleForm("report.ipynb")'} />;
  }
  const done = (schedule: Schedule) => {
    const first = findNewest(schedule);
    go(
      first
        ? { at: 'run', run: first.run_id, schedule: schedule.name, created: true }
        : { at: 'history', schedule: schedule.name }
    );
  };
  return (
    <HostProvider value={host}>
      <OwnForm model={model} notebook={notebook} done={done} />
    </HostProvider>
  );
}

interface OwnFormProps {
  model: WidgetModel;
  notebook: string;
  done(schedule: Schedule): void;
}

function OwnForm({ model, notebook, done }: OwnFormProps): ReactElement {
  const presets = useTrait<Partial<Form>>(model, 'presets');
  const values = useTrait<Record<string, unknown>>(model, 'values');
  const problem = useTrait<string>(model, 'problem');
  const isPreset = Object.keys(presets).length > 0;
  return (
    <div className="jp-Schedule" data-view="form">
      {problem && <ProblemBox problem={problem} />}
      <ScheduleForm
        // Other presets from Python start the form afresh.
        key={JSON.stringify(presets)}
        notebook={notebook}
        presets={isPreset ? presets : undefined}
        values={values}
        quiet
        done={done}
      />
    </div>
  );
}

/** A schedule that was made here before the page was loaded again is shown, not a form that would make it twice. */
function startOf(model: WidgetModel): View {
  const schedule = model.get('schedule') as Schedule | null;
  const run = model.get('last_run') as Run | null;
  if (!schedule) {
    return { at: 'form', notebook: null };
  }
  return run ? { at: 'run', run: run.run_id, schedule: schedule.name } : { at: 'history', schedule: schedule.name };
}

/** The notebook's path; undefined until it is found, empty when it isn't. */
function useNotebook(context: WidgetContext, named: string): string | undefined {
  const [path, setPath] = useState<string>();
  useEffect(() => {
    let waiting = true;
    void context
      .findNotebook()
      .catch(() => '')
      .then(found => waiting && setPath(found));
    return () => {
      waiting = false;
    };
  }, [context, named]);
  return path;
}

function useTrait<T>(model: WidgetModel, name: string): T {
  const subscribe = useCallback(
    (listener: () => void) => {
      model.on(`change:${name}`, listener);
      return () => model.off(`change:${name}`, listener);
    },
    [model, name]
  );
  return useSyncExternalStore(subscribe, () => model.get(name) as T);
}

function Sentence({ text }: { text: string }): ReactElement {
  return (
    <div className="jp-Schedule">
      <p className="jp-Schedule-note">{text}</p>
    </div>
  );
}
