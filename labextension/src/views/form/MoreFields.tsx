/** The fields behind the fold of the form: time limit, zone, what happens when runs meet or were missed, and the bounds. */
import type { ReactElement } from 'react';
import { useEffect, useId, useRef } from 'react';

import type { Form } from '../../api/schemas';
import type { Field as FieldName, FormPartProps } from '../../model/form';
import { overlapLabels } from '../../model/policies';
import type { TranslationBundle } from '../../model/translation';
import { CheckBox, Field, LinesField, focusIn } from '../common/fields';
import { useHost } from '../common/hostContext';
import { EnvironmentFields } from './EnvironmentFields';
import { NotificationFields } from './NotificationFields';
import { CommandField } from './OwnTarball';
import { PolicyFields } from './PolicyFields';

interface Props extends FormPartProps {
  /** the field that the fold was opened for */
  sought?: FieldName;
}

export function MoreFields({ sought, ...props }: Props): ReactElement {
  const { state, problems, change } = props;
  const { trans, clock } = useHost();
  const zones = useId();
  const frame = useRef<HTMLDivElement>(null);
  const { timezone } = state.frequency;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- only its appearance takes the focus
  useEffect(() => void focusIn(frame.current, sought), []);
  return (
    <div ref={frame}>
      <EnvironmentFields {...props} />
      {state.notebook !== null && <CommandField {...props} />}
      <CheckBox checked={state.hide_code} change={checked => change({ ...state, hide_code: checked })}>
        {trans.__('The report’s page shows no code')}
      </CheckBox>
      <Field
        name="timeout_minutes"
        label={trans.__('Job timeout (minutes)')}
        help={trans.__('Stops the run after this long.')}
        error={problems.timeout_minutes}
      >
        {described => (
          <input
            {...described}
            className="jp-mod-styled jp-Schedule-short"
            inputMode="numeric"
            autoComplete="off"
            value={state.timeout_minutes}
            onChange={event => change({ ...state, timeout_minutes: event.target.value })}
          />
        )}
      </Field>
      <Field
        name="timezone"
        label={trans.__('Time zone')}
        help={trans.__('UTC never shifts with summer time. Yours is %1.', clock.zone)}
        error={problems.timezone}
      >
        {described => (
          <>
            <input
              {...described}
              className="jp-mod-styled"
              list={zones}
              autoComplete="off"
              spellCheck={false}
              value={timezone}
              onChange={event => change({ ...state, frequency: { ...state.frequency, timezone: event.target.value } })}
            />
            <datalist id={zones}>
              {zoneNames(clock.zone).map(name => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <Choice
        label={trans.__('If the last run is still going')}
        help={trans.__('Waiting is right for most.')}
        value={state.overlap}
        options={overlapLabels(trans)}
        set={overlap => change({ ...state, overlap })}
      />
      <Choice
        label={trans.__('If the scheduler was off')}
        help={trans.__('Each missed time shows in History either way.')}
        value={state.catch_up}
        options={catchUpLabels(trans)}
        set={catch_up => change({ ...state, catch_up })}
      />
      <PolicyFields {...props} />
      <NotificationFields {...props} />
      <LinesField
        name="expect"
        label={trans.__('Output contract')}
        help={trans.__('A line for each pattern: day*.csv rows>=100 newest(date)<=2d. A run that breaks it fails.')}
        error={problems.expect}
        lines={state.expect}
        set={expect => change({ ...state, expect })}
      />
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  help: string;
  value: T;
  options: Record<T, string>;
  set(value: T): void;
}

function Choice<T extends string>({ label, help, value, options, set }: ChoiceProps<T>): ReactElement {
  return (
    <Field label={label} help={help}>
      {described => (
        <select {...described} className="jp-mod-styled" value={value} onChange={event => set(event.target.value as T)}>
          {Object.entries<string>(options).map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function catchUpLabels(trans: TranslationBundle): Record<Form['catch_up'], string> {
  return {
    latest: trans.__('Run the latest missed one'),
    all: trans.__('Run all missed ones'),
    none: trans.__('Run none')
  };
}

function zoneNames(own: string): string[] {
  const known = Intl.supportedValuesOf('timeZone');
  return [...new Set(['UTC', own, ...known])];
}
