/** The form: what will happen is said before it does, and two buttons make it so. */
import type { KeyboardEvent, ReactElement } from 'react';
import { Suspense, lazy, useEffect, useId, useMemo, useRef, useState } from 'react';

import type { Form, Schedule } from '../../api/schemas';
import type { Field as FieldName, FormState } from '../../model/form';
import { groupByField, findFirst, hasChoice, checkForm, toWire } from '../../model/form';
import { Button, TextButton } from '../common/controls';
import { ProblemBox } from '../common/messages';
import { focusField, focusIn } from '../common/fields';
import { Attention, CodeTarball } from './CodeTarball';
import { FrequencyFields } from './FrequencyFields';
import { useHost } from '../common/hostContext';
import { Picture } from '../common/Picture';
import { MoreOptions } from './MoreOptions';
import { ParameterFields } from './ParameterFields';
import { NameField, OutputField, RebundleBox } from './PlainFields';
import { PublishResults } from './PublishResults';
import { Summary } from '../common/Summary';
import { useDraft } from './useDraft';
import { usePreview } from './usePreview';
import { useSubmit } from './useSubmit';

// What few see is loaded when somebody does.
const ChangedElsewhere = lazy(() =>
  import('./ChangedElsewhere').then(({ ChangedElsewhere }) => ({ default: ChangedElsewhere }))
);
const ReviewFiles = lazy(() => import('./ReviewFiles').then(({ ReviewFiles }) => ({ default: ReviewFiles })));
const WhereItRuns = lazy(() => import('./WhereItRuns').then(({ WhereItRuns }) => ({ default: WhereItRuns })));

export interface FormProps {
  /** null schedules a tarball */
  notebook: string | null;
  /** the schedule that is changed; without one, a new one is made */
  editing?: Schedule;
  /** a new one starts with these, instead of a draft */
  presets?: Partial<Form>;
  /** values of parameters that something else decides, such as a control in the notebook */
  values?: Record<string, unknown>;
  /** the field that is looked at first, instead of the name */
  focus?: FieldName;
  /** the notebook's unsaved edits were saved when the form was opened */
  saved?: boolean;
  /** leave the focus where it is: the form is part of a page that somebody is typing in */
  quiet?: boolean;
  done(schedule: Schedule): void;
  cancel?(): void;
}

export function ScheduleForm({
  notebook,
  editing,
  presets,
  values,
  focus,
  saved,
  quiet,
  done,
  cancel
}: FormProps): ReactElement {
  const host = useHost();
  const { trans } = host;
  const draft = useDraft(notebook, editing, presets);
  const [state, setState] = useState(draft.start);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [renewal, setRenewal] = useState(0);
  const [rebundle, setRebundle] = useState(false);
  const [reviewing, setReviewing] = useState(false);
  const [runNow, setRunNow] = useState(true);
  const [sought, setSought] = useState<FieldName>();
  const whole = useMemo(
    () => (values ? { ...state, parameters: { ...state.parameters, ...values } } : state),
    [state, values]
  );
  const wire = useMemo(() => toWire(whole), [whole]);
  const { preview, problem, current } = usePreview(wire, editing?.name, renewal);
  const submit = useSubmit({
    wire,
    confirmed: wire.visibility === 'public' && state.checkedPublic,
    bundle: current ? (preview?.bundle ?? null) : null,
    editing,
    rebundle,
    done: finish
  });
  const found = {
    ...(current ? groupByField(preview?.problems ?? [], wire.frequency.kind) : {}),
    ...checkForm(state, trans)
  };
  if (submit.problem?.isTransient) {
    delete found.name; // it may be taken by the very schedule whose answer was lost
  }
  const all = submit.tried ? { ...found, ...submit.refused } : { ...pick(found, left), ...submit.refused };
  const frame = useRef<HTMLFormElement>(null);
  const sentence = useId();

  const reserved = preview?.name_with_results;
  useEffect(() => {
    // the notebook's own name has results of a schedule that was deleted: the next free one, until somebody says more
    if (reserved && !editing && state.name === reserved && !state.continue_results) {
      change({ ...state, name: preview.suggested_name });
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when that is known
  }, [reserved]);
  useEffect(
    () => (notebook === null ? undefined : host.onSaved?.(notebook, () => setRenewal(count => count + 1))),
    [host, notebook]
  );
  useEffect(() => {
    if (focus) {
      look(focus);
    } else if (!quiet) {
      focusField(frame.current?.querySelector('[data-field="name"] input'));
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only its appearance takes the focus
  }, []);
  useEffect(() => {
    if (submit.failures) {
      look(findFirst({ ...found, ...submit.refused }));
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a new failure moves the focus
  }, [submit.failures]);

  /** Focus a field; one behind the fold when that is there. */
  function look(field: FieldName | undefined): void {
    if (!focusIn(frame.current, field)) {
      setSought(field);
    }
  }

  function finish(schedule: Schedule): void {
    draft.drop();
    done(schedule);
  }

  function change(next: FormState): void {
    const files = next.notebook !== null && (next.files !== state.files || next.left_out !== state.left_out);
    setState(next);
    draft.keep(next);
    submit.edited();
    setRebundle(rebundle || (editing !== undefined && files));
  }

  const paid = preview?.workers.some(worker => worker.paid && worker.launcher === wire.launcher);
  const send = (onceOnly: boolean) =>
    submit.send(found, {
      runNow: runNow || onceOnly,
      onceOnly,
      ...(paid ? { rehearse: runNow } : { firstRun: runNow && !onceOnly })
    });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      send(false);
    }
  };
  const part = { state: whole, problems: all, preview, change };
  return (
    <form
      ref={frame}
      className="jp-Schedule-form"
      aria-describedby={sentence}
      noValidate
      onSubmit={event => event.preventDefault()}
      onKeyDown={onKeyDown}
      onBlur={event => setLeft(old => withField(old, event.target))}
    >
      <div className="jp-Schedule-scroll" {...inertWhile(reviewing)}>
        {draft.restored && (
          <p className="jp-Schedule-note">
            <span>{trans.__('Restored your unsaved draft.')}</span>
            <TextButton onClick={() => setState(draft.startOver())}>{trans.__('Start over')}</TextButton>
          </p>
        )}
        {whole.notebook !== null && <Unsaved notebook={whole.notebook} saved={saved} sent={!editing || rebundle} />}
        <NameField
          state={state}
          error={all.name}
          fixed={editing !== undefined}
          reserved={editing ? null : (preview?.name_with_results ?? null)}
          change={change}
        />
        <FrequencyFields {...part} />
        {state.notebook !== null && <ParameterFields {...part} decided={values} />}
        <CodeTarball {...part} notebook={notebook} review={() => setReviewing(true)} />
        {editing && state.notebook !== null && <RebundleBox checked={rebundle} change={setRebundle} />}
        <OutputField state={state} error={all.output_dir} guess={preview?.output_dir} change={change} />
        <PublishResults {...part} />
        {preview && hasChoice(preview, state) && (
          <Suspense fallback={null}>
            <WhereItRuns {...part} preview={preview} />
          </Suspense>
        )}
        <MoreOptions {...part} sought={sought} />
      </div>
      {reviewing && preview && (
        <Suspense fallback={null}>
          <ReviewFiles
            state={state}
            preview={preview}
            error={all.files}
            change={change}
            close={() => {
              setReviewing(false);
              focusReview(frame.current);
            }}
          />
        </Suspense>
      )}
      <div className="jp-Schedule-footer" {...inertWhile(reviewing)}>
        {problem && !submit.problem && <ProblemBox problem={problem} />}
        {all.form && <ProblemBox problem={all.form} />}
        {submit.problem?.code === 'changed_elsewhere' && editing ? (
          <Suspense fallback={<ProblemBox problem={submit.problem} />}>
            <ChangedElsewhere
              editing={editing}
              takeTheirs={() => (draft.drop(), cancel?.())}
              keepMine={submit.keepMine}
            />
          </Suspense>
        ) : (
          submit.problem && <ProblemBox problem={submit.problem} />
        )}
        <Summary
          id={sentence}
          sentence={
            preview?.summary ||
            (current
              ? trans.__('Correct what is marked above, and this says when it runs.')
              : describeWaiting(state, trans))
          }
          next={preview?.next ?? []}
          stale={!current}
        />
        {!editing && (
          <label className="jp-Schedule-check">
            <input type="checkbox" checked={runNow} onChange={event => setRunNow(event.target.checked)} />
            <span>{trans.__('Run once now; start the schedule when it succeeds')}</span>
          </label>
        )}
        <Attention {...part} />
        <div className="jp-Schedule-actions">
          {editing ? (
            <>
              <Button onClick={() => (draft.drop(), cancel?.())}>{trans.__('Cancel')}</Button>
              <Button primary aria-keyshortcuts="Control+Enter" aria-disabled={submit.busy} onClick={() => send(false)}>
                {submit.busy ? trans.__('Saving…') : trans.__('Save changes')}
              </Button>
            </>
          ) : (
            <>
              <Button aria-disabled={submit.busy} onClick={() => send(true)}>
                {trans.__('Run once only')}
              </Button>
              <Button primary aria-keyshortcuts="Control+Enter" aria-disabled={submit.busy} onClick={() => send(false)}>
                {submit.busy ? trans.__('Scheduling…') : trans.__('Schedule')}
              </Button>
            </>
          )}
        </div>
      </div>
    </form>
  );
}

/** What the sentence waits for. */
function describeWaiting({ notebook, tarball }: FormState, trans: ReturnType<typeof useHost>['trans']): string {
  if (notebook !== null) {
    return trans.__('Looking at the notebook…');
  }
  return tarball === null
    ? trans.__('Choose a tarball, and this says when it runs.')
    : trans.__('Looking at the tarball…');
}

/** Says that unsaved edits of the notebook were saved, or will be; `sent`: the code goes with the form. */
function Unsaved({ notebook, saved, sent }: { notebook: string; saved?: boolean; sent: boolean }): ReactElement | null {
  const { trans, watchUnsaved } = useHost();
  const [unsaved, setUnsaved] = useState(false);
  useEffect(() => watchUnsaved?.(notebook, setUnsaved), [notebook, watchUnsaved]);
  if (!sent || (!unsaved && !saved)) {
    return null;
  }
  return (
    <p className="jp-Schedule-note" role="status">
      <Picture of="note" />
      <span>
        {unsaved ? trans.__('Unsaved changes will be saved first.') : trans.__('Unsaved changes were saved first.')}
      </span>
    </p>
  );
}

function pick(problems: ReturnType<typeof checkForm>, fields: ReadonlySet<string>): typeof problems {
  return Object.fromEntries(Object.entries(problems).filter(([field]) => field === 'form' || fields.has(field)));
}

/** The fields that were left, with those of the place that holds `element`. */
function withField(left: ReadonlySet<string>, element: Element): ReadonlySet<string> {
  const fields = element.closest<HTMLElement>('[data-field]')?.dataset.field?.split(' ') ?? [];
  return fields.every(field => left.has(field)) ? left : new Set([...left, ...fields]);
}

/** React 18 doesn't know `inert` yet; as an empty text it becomes the attribute. */
function inertWhile(covered: boolean): object {
  return covered ? { inert: '' } : {};
}

function focusReview(form: HTMLFormElement | null): void {
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[data-field~="files"] [aria-haspopup]')?.focus());
}
