/** The form: what will happen is said before it does, and two buttons make it so. */
import type { KeyboardEvent, ReactElement, ReactNode } from 'react';
import { useEffect, useId, useMemo, useRef, useState } from 'react';

import type { Form, Schedule } from '../api/shapes';
import type { Field as FieldName, FormState } from '../model/form';
import { byField, firstWith, fromWire, initial, offeredIn, ownProblems, toWire } from '../model/form';
import { Button, Field, ProblemBox, TextButton, focusField } from './basics';
import { CodeTarball } from './CodeTarball';
import { FrequencyFields } from './FrequencyFields';
import { useHost } from './host';
import { MoreOptions } from './MoreOptions';
import { ParameterFields } from './ParameterFields';
import { PublishResults } from './PublishResults';
import { ReviewFiles } from './ReviewFiles';
import { Summary } from './Summary';
import { usePreview } from './usePreview';
import { useSubmit } from './useSubmit';

export interface FormProps {
  notebook: string;
  /** the schedule that is changed; without one, a new one is made */
  editing?: Schedule;
  /** what a new one starts with, instead of a draft */
  presets?: Partial<Form>;
  /** values of parameters that something else decides, such as a control in the notebook */
  values?: Record<string, unknown>;
  /** leave the focus where it is: the form is part of a page that somebody is typing in */
  quiet?: boolean;
  done(schedule: Schedule): void;
  cancel?(): void;
}

export function ScheduleForm({ notebook, editing, presets, values, quiet, done, cancel }: FormProps): ReactElement {
  const host = useHost();
  const { trans } = host;
  const draft = useDraft(notebook, editing, presets);
  const [state, setState] = useState(draft.start);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [renewal, setRenewal] = useState(0);
  const [rebundle, setRebundle] = useState(false);
  const [reviewing, setReviewing] = useState(false);
  const [runNow, setRunNow] = useState(true);
  const whole = useMemo(() => (values ? { ...state, parameters: { ...state.parameters, ...values } } : state), [state, values]);
  const wire = useMemo(() => toWire(whole), [whole]);
  const { preview, problem, current } = usePreview(wire, editing?.name, renewal);
  const found = { ...(current ? byField(preview?.problems ?? [], wire.frequency.kind) : {}), ...ownProblems(state, trans) };
  const submit = useSubmit({ wire, bundle: current ? (preview?.bundle ?? null) : null, editing, rebundle, done: finish });
  const all = submit.tried ? { ...found, ...submit.refused } : { ...pick(found, left), ...submit.refused };
  const frame = useRef<HTMLFormElement>(null);
  const sentence = useId();

  useEffect(() => host.onSaved?.(notebook, () => setRenewal(count => count + 1)), [host, notebook]);
  useEffect(() => {
    if (!quiet) {
      focusField(frame.current?.querySelector('[data-field="name"] input'));
    }
    // Only its appearance takes the focus.
  }, []);
  useEffect(() => {
    if (submit.failures) {
      focusFirst(frame.current, firstWith({ ...found, ...submit.refused }));
    }
    // Only a new failure moves the focus.
  }, [submit.failures]);

  function finish(schedule: Schedule): void {
    draft.drop();
    done(schedule);
  }

  function change(next: FormState): void {
    const files = next.files !== state.files || next.left_out !== state.left_out;
    setState(next);
    draft.keep(next);
    submit.edited();
    setRebundle(rebundle || (editing !== undefined && files));
  }

  const send = (onceOnly: boolean) => submit.send(found, { runNow: runNow || onceOnly, onceOnly });
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
            <span>{trans.__('This is what you had typed before.')}</span>
            <TextButton onClick={() => setState(draft.startOver())}>{trans.__('Start over')}</TextButton>
          </p>
        )}
        <NameField state={state} error={all.name} fixed={editing !== undefined} change={change} />
        <FrequencyFields {...part} />
        <ParameterFields {...part} decided={values} />
        <CodeTarball {...part} review={() => setReviewing(true)} />
        {editing && <RebundleBox checked={rebundle} change={setRebundle} />}
        <OutputField state={state} error={all.output_dir} guess={preview?.output_dir} change={change} />
        <PublishResults {...part} />
        <MoreOptions {...part} />
      </div>
      {reviewing && preview && (
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
      )}
      <footer className="jp-Schedule-footer" {...inertWhile(reviewing)}>
        {problem && !submit.problem && <ProblemBox problem={problem} />}
        {all.form && <ProblemBox problem={all.form} />}
        {submit.problem && <SubmitProblem submit={submit} cancel={cancel} />}
        <Summary
          id={sentence}
          sentence={preview?.summary || (current ? trans.__('Correct what is marked above, and this says when it runs.') : trans.__('Looking at the notebook…'))}
          next={preview?.next ?? []}
          stale={!current}
        />
        {!editing && (
          <label className="jp-Schedule-check">
            <input type="checkbox" checked={runNow} onChange={event => setRunNow(event.target.checked)} />
            <span>{trans.__('Run once now')}</span>
          </label>
        )}
        <div className="jp-Schedule-actions">
          {editing ? (
            <>
              <Button onClick={cancel}>{trans.__('Cancel')}</Button>
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
      </footer>
    </form>
  );
}

interface Draft {
  start: FormState;
  restored: boolean;
  keep(state: FormState): void;
  drop(): void;
  /** Forget what was typed; answers a fresh form. */
  startOver(): FormState;
}

/** The form's first state: what is edited, what was preset, what was typed before, or the defaults. */
function useDraft(notebook: string, editing: Schedule | undefined, presets: Partial<Form> | undefined): Draft {
  const { drafts, now } = useHost();
  const kept = !editing && !presets;
  const fresh = () => initial(notebook, now());
  const first = (): { start: FormState; restored: boolean } => {
    if (editing) {
      return { start: fromWire(editing.form, now()), restored: false };
    }
    if (presets) {
      return { start: fromWire({ ...toWire(fresh()), ...presets, notebook }, now()), restored: false };
    }
    const draft = drafts.load(notebook, fresh());
    return { start: draft ?? fresh(), restored: draft !== null };
  };
  const [{ start, restored }, setFirst] = useState(first);
  return {
    start,
    restored,
    keep: state => kept && drafts.save(notebook, state),
    drop: () => kept && drafts.drop(notebook),
    startOver: () => {
      drafts.drop(notebook);
      setFirst({ start: fresh(), restored: false });
      return fresh();
    }
  };
}

interface NameProps {
  state: FormState;
  error?: string;
  /** a recorded schedule keeps its name */
  fixed: boolean;
  change(state: FormState): void;
}

function NameField({ state, error, fixed, change }: NameProps): ReactElement {
  const { trans } = useHost();
  const offered = error ? offeredIn(error, state.name) : null;
  return (
    <Field name="name" label={trans.__('Job name')} help={nameHelp(fixed, trans)} error={error}>
      {described => (
        <div className="jp-Schedule-row">
          <input
            {...described}
            className="jp-mod-styled"
            autoComplete="off"
            spellCheck={false}
            readOnly={fixed}
            value={state.name}
            onChange={event => change({ ...state, name: event.target.value })}
          />
          {offered && (
            <TextButton onClick={() => change({ ...state, name: offered })}>{trans.__('Use %1', offered)}</TextButton>
          )}
        </div>
      )}
    </Field>
  );
}

function nameHelp(fixed: boolean, trans: ReturnType<typeof useHost>['trans']): ReactNode {
  return fixed
    ? trans.__('A name stays, because it is part of the results’ address.')
    : trans.__('Short and unique, like a repository or host name. Used in the results’ address.');
}

interface OutputProps {
  state: FormState;
  error?: string;
  /** the folder that the notebook is seen to write to */
  guess?: string;
  change(state: FormState): void;
}

function OutputField({ state, error, guess, change }: OutputProps): ReactElement {
  const { trans } = useHost();
  return (
    <Field
      name="output_dir"
      label={trans.__('Output directory')}
      help={trans.__('Files written here are the results. They are collected when the run succeeds.')}
      error={error}
    >
      {described => (
        <input
          {...described}
          className="jp-mod-styled"
          autoComplete="off"
          spellCheck={false}
          value={state.output_dir ?? guess ?? 'output'}
          onChange={event => change({ ...state, output_dir: event.target.value })}
        />
      )}
    </Field>
  );
}

function RebundleBox({ checked, change }: { checked: boolean; change(checked: boolean): void }): ReactElement {
  const { trans } = useHost();
  return (
    <label className="jp-Schedule-check">
      <input type="checkbox" checked={checked} onChange={event => change(event.target.checked)} />
      <span>{trans.__('Use the notebook and its files as they are now; otherwise the code stays as it was')}</span>
    </label>
  );
}

function SubmitProblem({ submit, cancel }: { submit: ReturnType<typeof useSubmit>; cancel?(): void }): ReactElement {
  const { trans } = useHost();
  const { problem } = submit;
  return (
    <ProblemBox problem={problem!}>
      {problem!.code === 'changed_elsewhere' && (
        <>
          <Button onClick={cancel}>{trans.__('See the change')}</Button>
          <Button onClick={submit.keepMine}>{trans.__('Keep mine')}</Button>
        </>
      )}
    </ProblemBox>
  );
}

function pick(problems: ReturnType<typeof ownProblems>, fields: ReadonlySet<string>): typeof problems {
  return Object.fromEntries(Object.entries(problems).filter(([field]) => field === 'form' || fields.has(field)));
}

/** The fields that were left, with the one that holds `element`. */
function withField(left: ReadonlySet<string>, element: Element): ReadonlySet<string> {
  const field = element.closest<HTMLElement>('[data-field]')?.dataset.field;
  return field && !left.has(field) ? new Set([...left, field]) : left;
}

function focusFirst(form: HTMLFormElement | null, field: FieldName | undefined): void {
  const place = field && form?.querySelector(`[data-field="${field}"]`);
  if (!place) {
    return;
  }
  const fold = place.closest('details');
  if (fold) {
    fold.open = true;
  }
  place.querySelector<HTMLElement>('input:not(:disabled), select, button')?.focus();
}

/** React 18 doesn't know `inert` yet; as an empty text it becomes the attribute. */
function inertWhile(covered: boolean): object {
  return covered ? { inert: '' } : {};
}

function focusReview(form: HTMLFormElement | null): void {
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[data-field="files"] [aria-haspopup]')?.focus());
}
