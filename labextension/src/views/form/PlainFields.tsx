/** The form's fields that are one line of text: the name, the output directory, and whether an edit takes new code. */
import type { ReactElement, ReactNode } from 'react';

import type { FormState } from '../../model/form';
import { findOfferedName } from '../../model/form';
import { TextButton } from '../common/controls';
import { Field } from '../common/fields';
import { useHost } from '../common/hostContext';

interface NameProps {
  state: FormState;
  error?: string;
  /** a recorded schedule keeps its name */
  fixed: boolean;
  /** the notebook's own name, when a schedule that was deleted has left results under it */
  reserved: string | null;
  change(state: FormState): void;
}

export function NameField({ state, error, fixed, reserved, change }: NameProps): ReactElement {
  const { trans } = useHost();
  const offered = error ? findOfferedName(error, state.name) : null;
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
            onChange={event => change({ ...state, name: event.target.value, continue_results: false })}
          />
          {offered && (
            <TextButton onClick={() => change({ ...state, name: offered })}>{trans.__('Use %1', offered)}</TextButton>
          )}
          {reserved && !state.continue_results && (
            <TextButton onClick={() => change({ ...state, name: reserved, continue_results: true })}>
              {trans.__('Continue with the results of %1', reserved)}
            </TextButton>
          )}
        </div>
      )}
    </Field>
  );
}

function nameHelp(fixed: boolean, trans: ReturnType<typeof useHost>['trans']): ReactNode {
  return fixed
    ? trans.__('It stays, because it is part of the results’ address.')
    : trans.__('Short and unique. It is part of the results’ address.');
}

interface OutputProps {
  state: FormState;
  error?: string;
  /** the folder that the notebook is seen to write to */
  guess?: string;
  change(state: FormState): void;
}

export function OutputField({ state, error, guess, change }: OutputProps): ReactElement {
  const { trans } = useHost();
  return (
    <Field
      name="output_dir"
      label={trans.__('Output directory')}
      help={trans.__('Files written here are the results of a run that succeeds.')}
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

export function RebundleBox({ checked, change }: { checked: boolean; change(checked: boolean): void }): ReactElement {
  const { trans } = useHost();
  return (
    <label className="jp-Schedule-check">
      <input type="checkbox" checked={checked} onChange={event => change(event.target.checked)} />
      <span>{trans.__('Use the notebook and its files as they are now; otherwise the code stays as it was')}</span>
    </label>
  );
}
