/** What most schedules leave as it is: time limit, zone, what happens when runs meet or were missed. */
import type { ReactElement } from 'react';
import { useId } from 'react';

import type { Form } from '../api/shapes';
import { POLICIES } from '../model/policies';
import type { Trans } from '../model/trans';
import { Field } from './basics';
import type { PartProps } from './FrequencyFields';
import { useHost } from './host';
import { PolicyFields } from './PolicyFields';

export function MoreOptions(props: PartProps): ReactElement {
  const { state, problems, change } = props;
  const { trans, clock } = useHost();
  const zones = useId();
  const { timezone } = state.frequency;
  const failing =
    Boolean(problems.command ?? problems.timeout ?? problems.timezone ?? problems.expect) ||
    POLICIES.some(name => problems[name]);
  return (
    <details className="jp-Schedule-more" open={failing || undefined}>
      <summary>
        {trans.__('More options')}
        <span className="jp-Schedule-quiet"> {glance(state, trans)}</span>
      </summary>
      <Field
        name="command"
        label={trans.__('Execution commandline')}
        help={trans.__('What the worker starts; run.sh runs the notebook.')}
        error={problems.command}
      >
        {described => (
          <input
            {...described}
            className="jp-mod-styled jp-Schedule-code"
            autoComplete="off"
            spellCheck={false}
            value={state.command}
            onChange={event => change({ ...state, command: event.target.value })}
          />
        )}
      </Field>
      <Field
        name="timeout"
        label={trans.__('Job timeout (minutes)')}
        help={trans.__('Then it is stopped, so that a stuck run can’t go on all night.')}
        error={problems.timeout}
      >
        {described => (
          <input
            {...described}
            className="jp-mod-styled jp-Schedule-short"
            inputMode="numeric"
            autoComplete="off"
            value={state.timeout}
            onChange={event => change({ ...state, timeout: event.target.value })}
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
        options={overlaps(trans)}
        set={overlap => change({ ...state, overlap })}
      />
      <Choice
        label={trans.__('If the scheduler was off')}
        help={trans.__('Each missed time shows in History either way.')}
        value={state.catch_up}
        options={catchUps(trans)}
        set={catch_up => change({ ...state, catch_up })}
      />
      <PolicyFields {...props} />
      <Field
        name="expect"
        label={trans.__('Output contract')}
        help={trans.__('A line for each pattern: day*.csv rows>=100 newest(date)<=2d. A run that breaks it fails.')}
        error={problems.expect}
      >
        {described => (
          <textarea
            {...described}
            className="jp-mod-styled jp-Schedule-code"
            rows={2}
            spellCheck={false}
            value={state.expect.join('\n')}
            onChange={event => change({ ...state, expect: linesOf(event.target.value) })}
          />
        )}
      </Field>
    </details>
  );
}

/** The lines of a text; a text of nothing has none. */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.split('\n');
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

/** `timeout 120 min · UTC`: what is behind the fold. */
function glance({ timeout, frequency, overlap }: PartProps['state'], trans: Trans): string {
  return [trans.__('timeout %1 min', timeout), frequency.timezone, overlaps(trans)[overlap].toLowerCase()].join(' · ');
}

function overlaps(trans: Trans): Record<Form['overlap'], string> {
  return {
    queue_one: trans.__('Wait, then run'),
    skip: trans.__('Skip this time'),
    allow: trans.__('Run both'),
    cancel_previous: trans.__('Stop the old one')
  };
}

function catchUps(trans: Trans): Record<Form['catch_up'], string> {
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
