/** A form's controls with their labels, their help, and what is wrong; and the focus in them. */
import type { AriaAttributes, ReactElement, ReactNode } from 'react';
import { useId } from 'react';

import { splitLines } from '../../model/format';
import { Picture } from './Picture';

/** A labelled control has to carry these. */
export interface ControlProps {
  id: string;
  'aria-describedby': string;
  'aria-invalid': AriaAttributes['aria-invalid'];
}

interface FieldProps {
  label: string;
  /** the fields' names in the form, apart by blanks, by which the first error is found */
  name?: string;
  help?: ReactNode;
  error?: string;
  children(described: ControlProps): ReactNode;
}

/** A control with its visible label; the line below holds its help or, instead, what is wrong. */
export function Field({ label, name, help, error, children }: FieldProps): ReactElement {
  const id = useId();
  const described: ControlProps = { id, 'aria-describedby': `${id}-help`, 'aria-invalid': error ? true : undefined };
  return (
    <div className="jp-Schedule-field" data-field={name}>
      <label htmlFor={id}>{label}</label>
      {children(described)}
      <Help id={`${id}-help`} help={help} error={error} />
    </div>
  );
}

interface LinesFieldProps extends Omit<FieldProps, 'children'> {
  lines: readonly string[];
  set(lines: string[]): void;
}

/** A `Field` for names or patterns, one a line. */
export function LinesField({ lines, set, ...field }: LinesFieldProps): ReactElement {
  return (
    <Field {...field}>
      {described => (
        <textarea
          {...described}
          className="jp-mod-styled jp-Schedule-code"
          rows={2}
          spellCheck={false}
          value={lines.join('\n')}
          onChange={event => set(splitLines(event.target.value))}
        />
      )}
    </Field>
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

/** Put the cursor into a field, with its text selected, so that typing replaces it. */
export function focusField(input: HTMLInputElement | null | undefined): void {
  input?.focus();
  input?.select();
}

/** Put the focus into the field of that name, what is wrong in it first; whether it is in `frame`. */
export function focusIn(frame: HTMLElement | null, field: string | undefined): boolean {
  const place = field && frame?.querySelector(`[data-field~="${field}"]`);
  if (!place) {
    return false;
  }
  const fold = place.closest('details');
  if (fold) {
    fold.open = true;
  }
  const wrong = place.querySelector<HTMLElement>('[aria-invalid]');
  (wrong ?? place.querySelector<HTMLElement>('input:not(:disabled), select, textarea, button'))?.focus();
  return true;
}

interface BoxProps {
  checked: boolean;
  change(checked: boolean): void;
  children: string;
}

export function CheckBox({ checked, change, children }: BoxProps): ReactElement {
  return (
    <label className="jp-Schedule-check">
      <input type="checkbox" checked={checked} onChange={event => change(event.target.checked)} />
      <span>{children}</span>
    </label>
  );
}
