/** The pieces that every view is made of. */
import type { AriaAttributes, ButtonHTMLAttributes, ReactElement, ReactNode } from 'react';
import { useId, useState } from 'react';

import type { Problem } from '../../api/problem';
import type { State } from '../../model/runs';
import { useHost } from './hostContext';
import { Picture } from './Picture';
import type { Live } from './useLive';

/** Icon, word and colour of a state. */
export function StateMark({ state, title }: { state: State; title?: string }): ReactElement {
  return (
    <span className="jp-Schedule-state" data-role={state.role} title={title}>
      <Picture of={state.icon} />
      <span>{state.words}</span>
    </span>
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** the one action that the view is for */
  primary?: boolean;
}

export function Button({ primary = false, className = '', ...rest }: ButtonProps): ReactElement {
  const look = primary ? 'jp-mod-accept' : 'jp-mod-reject';
  return <button type="button" className={`jp-Schedule-button jp-mod-styled ${look} ${className}`} {...rest} />;
}

/** A button that looks like a part of the text. */
export function TextButton({ className = '', ...rest }: ButtonHTMLAttributes<HTMLButtonElement>): ReactElement {
  return <button type="button" className={`jp-Schedule-textButton ${className}`} {...rest} />;
}

/** A link that leads out of the panel, into a tab of its own. */
export function AwayLink({ href, children }: { href: string; children: string }): ReactElement {
  return (
    <a className="jp-Schedule-away" href={href} target="_blank" rel="noopener noreferrer">
      {children}
      <Picture of="away" />
    </a>
  );
}

/** What a labelled control has to carry. */
export interface Described {
  id: string;
  'aria-describedby': string;
  'aria-invalid': AriaAttributes['aria-invalid'];
}

interface FieldProps {
  label: string;
  /** the field's name in the form, by which the first error is found */
  name?: string;
  help?: ReactNode;
  error?: string;
  children(described: Described): ReactNode;
}

/** A control with its visible label; the line below holds its help or, instead, what is wrong. */
export function Field({ label, name, help, error, children }: FieldProps): ReactElement {
  const id = useId();
  const described: Described = { id, 'aria-describedby': `${id}-help`, 'aria-invalid': error ? true : undefined };
  return (
    <div className="jp-Schedule-field" data-field={name}>
      <label htmlFor={id}>{label}</label>
      {children(described)}
      <Help id={`${id}-help`} help={help} error={error} />
    </div>
  );
}

/** Like `Field`, for several controls that belong together. */
export function FieldGroup({
  label,
  name,
  help,
  error,
  children
}: Omit<FieldProps, 'children'> & { children: ReactNode }): ReactElement {
  const id = useId();
  return (
    <fieldset className="jp-Schedule-field" data-field={name} aria-describedby={`${id}-help`}>
      <legend>{label}</legend>
      {children}
      <Help id={`${id}-help`} help={help} error={error} />
    </fieldset>
  );
}

function Help({ id, help, error }: { id: string; help?: ReactNode; error?: string }): ReactElement {
  return (
    <div id={id} className="jp-Schedule-help" data-role={error ? 'error' : undefined}>
      {error ? (
        <>
          <Picture of="attention" />
          <span>{error}</span>
        </>
      ) : (
        help
      )}
    </div>
  );
}

/** A sentence about what went wrong, with what can be done. */
export function ProblemBox({ problem, children }: { problem: Problem | string; children?: ReactNode }): ReactElement {
  const { trans, signInAt } = useHost();
  const signedOut = typeof problem !== 'string' && problem.code === 'signed_out';
  return (
    <div className="jp-Schedule-box" data-role="error" role="alert">
      <Picture of="attention" />
      <div>
        <p>{typeof problem === 'string' ? problem : problem.message}</p>
        {signedOut && signInAt && <AwayLink href={signInAt}>{trans.__('Sign in')}</AwayLink>}
        {children && <div className="jp-Schedule-actions jp-mod-start">{children}</div>}
      </div>
    </div>
  );
}

/** Why what is on screen isn't renewed any more, over what was seen last. */
export function LiveProblem({ live }: { live: Pick<Live<unknown>, 'problem' | 'seen'> }): ReactElement | null {
  const { trans, clock } = useHost();
  const { problem, seen } = live;
  if (!problem) {
    return null;
  }
  const lost = problem.passing && seen > 0;
  const text = trans.__(
    'Lost the connection to Jupyter. Showing %1; trying again.',
    clock.time(new Date(seen).toISOString())
  );
  return <ProblemBox problem={lost ? text : problem} />;
}

/** Said while the first answer is awaited. */
export function Waiting(): ReactElement {
  const { trans } = useHost();
  return <p className="jp-Schedule-quiet">{trans.__('Loading…')}</p>;
}

/** Copies `text`; says that it did. */
export function CopyButton({ text, label }: { text: string; label?: string }): ReactElement {
  const { trans } = useHost();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <TextButton onClick={() => void copy()} aria-live="polite">
      {copied ? trans.__('Copied') : (label ?? trans.__('Copy'))}
    </TextButton>
  );
}

/** Put the cursor into a field, with its text selected, so that typing replaces it. */
export function focusField(input: HTMLInputElement | null | undefined): void {
  input?.focus();
  input?.select();
}

/** Put the focus into the field of that name, what is wrong in it first; whether it is in `frame`. */
export function focusIn(frame: HTMLElement | null, field: string | undefined): boolean {
  const place = field && frame?.querySelector(`[data-field="${field}"]`);
  if (!place) {
    return false;
  }
  const fold = place.closest('details');
  if (fold) {
    fold.open = true;
  }
  const wrong = place.querySelector<HTMLElement>('[aria-invalid]');
  (wrong ?? place.querySelector<HTMLElement>('input:not(:disabled), select, button'))?.focus();
  return true;
}

/** Put `text` on the clipboard, also where the page isn't served over HTTPS. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
