/** When: the frequency and the fields that it asks for. */
import type { ReactElement } from 'react';

import type { Preview } from '../../api/schemas';
import type { FormState, Kind, FormPartProps } from '../../model/form';
import { DAYS, KINDS, fieldsFor, withKind } from '../../model/form';
import type { Clock } from '../../model/time';
import type { TranslationBundle } from '../../model/translation';
import { TextButton } from '../common/controls';
import { Field, FieldGroup } from '../common/fields';
import { useHost } from '../common/hostContext';

export function FrequencyFields({ state, problems, preview, change }: FormPartProps): ReactElement {
  const { trans } = useHost();
  const { kind } = state.frequency;
  const set = (fields: Partial<FormState['frequency']>) =>
    change({ ...state, frequency: { ...state.frequency, ...fields } });
  const parts: Record<string, ReactElement> = {
    days: <DaysField key="days" days={state.frequency.days} error={problems.days} set={days => set({ days })} />,
    day_of_month: (
      <DayOfMonthField
        key="day_of_month"
        day={state.frequency.day_of_month}
        error={problems.day_of_month}
        set={day_of_month => set({ day_of_month })}
      />
    ),
    date: (
      <Field
        key="date"
        name="date"
        label={trans.__('Date')}
        help={trans.__('The day on which it runs.')}
        error={problems.date}
      >
        {described => (
          <input
            {...described}
            type="date"
            className="jp-mod-styled"
            value={state.frequency.date}
            onChange={event => set({ date: event.target.value })}
          />
        )}
      </Field>
    ),
    at: <TimeField key="at" state={state} error={problems.at} next={preview?.next[0]?.scheduled_for} set={set} />,
    cron: (
      <Field
        key="cron"
        name="cron"
        label={trans.__('Cron expression')}
        help={cronHelp(preview, trans)}
        error={problems.cron}
      >
        {described => (
          <input
            {...described}
            className="jp-mod-styled jp-Schedule-code"
            spellCheck={false}
            autoComplete="off"
            value={state.frequency.cron}
            onChange={event => set({ cron: event.target.value })}
          />
        )}
      </Field>
    )
  };
  return (
    <>
      <Field
        name="kind"
        label={trans.__('Schedule frequency')}
        help={trans.__('How often it runs.')}
        error={problems.kind}
      >
        {described => (
          <select
            {...described}
            className="jp-mod-styled"
            value={kind}
            onChange={event => change(withKind(state, event.target.value as Kind))}
          >
            {KINDS.map(name => (
              <option key={name} value={name}>
                {kindName(name, trans)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {fieldsFor(kind).map(field => parts[field])}
    </>
  );
}

function DaysField(props: { days: string[]; error?: string; set(days: string[]): void }): ReactElement {
  const { trans } = useHost();
  const toggle = (day: string) =>
    props.set(DAYS.filter(other => (other === day ? !props.days.includes(day) : props.days.includes(other))));
  return (
    <FieldGroup
      name="days"
      label={trans.__('Day of week')}
      help={trans.__('For weekly schedules. Pick one or more.')}
      error={props.error}
    >
      <div className="jp-Schedule-toggles">
        {DAYS.map(day => (
          <label key={day}>
            <input type="checkbox" checked={props.days.includes(day)} onChange={() => toggle(day)} />
            <span>{dayName(day, trans)}</span>
          </label>
        ))}
      </div>
    </FieldGroup>
  );
}

function DayOfMonthField(props: { day: string; error?: string; set(day: string): void }): ReactElement {
  const { trans } = useHost();
  return (
    <Field
      name="day_of_month"
      label={trans.__('Day of month')}
      help={dayOfMonthHelp(props.day, trans)}
      error={props.error}
    >
      {described => (
        <select
          {...described}
          className="jp-mod-styled"
          value={props.day}
          onChange={event => props.set(event.target.value)}
        >
          {Array.from({ length: 31 }, (_, index) => String(index + 1)).map(day => (
            <option key={day}>{day}</option>
          ))}
          <option value="L">{trans.__('Last day')}</option>
          {weekdaysOfMonth(props.day).map(value => (
            <option key={value} value={value}>
              {weekdayOfMonthName(value, trans)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface TimeProps {
  state: FormState;
  error?: string;
  /** the next time, as an instant */
  next: string | undefined;
  set(fields: Partial<FormState['frequency']>): void;
}

function TimeField({ state, error, next, set }: TimeProps): ReactElement {
  const { trans, clock } = useHost();
  const { kind, at, timezone } = state.frequency;
  if (kind === 'hourly') {
    return (
      <Field name="at" label={trans.__('Minute of the hour')} help={trans.__('From 0 to 59.')} error={error}>
        {described => (
          <input
            {...described}
            className="jp-mod-styled jp-Schedule-short"
            inputMode="numeric"
            autoComplete="off"
            value={at}
            onChange={event => set({ at: event.target.value })}
          />
        )}
      </Field>
    );
  }
  const other = timezone === clock.zone ? 'UTC' : clock.zone;
  return (
    <Field
      name="at"
      label={trans.__('Time of day (%1)', timezone)}
      help={timeHelp(timezone, next, clock, trans)}
      error={error}
    >
      {described => (
        <div className="jp-Schedule-row">
          <input
            {...described}
            className="jp-mod-styled jp-Schedule-short"
            autoComplete="off"
            spellCheck={false}
            value={at}
            onChange={event => set({ at: event.target.value })}
          />
          {other !== timezone && (
            <TextButton onClick={() => set({ timezone: other })}>
              {other === 'UTC' ? trans.__('Use UTC') : trans.__('Use my time zone')}
            </TextButton>
          )}
        </div>
      )}
    </Field>
  );
}

/** The same time on the reader's clock, and what to know about the zone. */
function timeHelp(zone: string, next: string | undefined, clock: Clock, trans: TranslationBundle): string {
  const yours = next && zone !== clock.zone ? `${trans.__('%1 your time.', clock.time(next))} ` : '';
  return (
    yours +
    (zone === 'UTC'
      ? trans.__('At noon UTC, yesterday’s data is complete.')
      : trans.__('It follows that zone’s clock changes.'))
  );
}

function cronHelp(preview: Preview | undefined, trans: TranslationBundle): string {
  const first = preview?.summary.split(/[;,]/)[0];
  return first ? `${first}.` : trans.__('Minute, hour, day of month, month, day of week.');
}

function dayOfMonthHelp(day: string, trans: TranslationBundle): string {
  switch (day) {
    case '29':
      return trans.__('Skips February, but for leap years. For month ends pick Last day.');
    case '30':
      return trans.__('Skips February. For month ends pick Last day.');
    case '31':
      return trans.__('Skips the 5 months without a 31st. For month ends pick Last day.');
    default:
      return trans.__('For monthly schedules.');
  }
}

/** `first Monday` … `last Sunday`, as the server has them; and the one that was chosen, when it is another. */
function weekdaysOfMonth(chosen: string): string[] {
  const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
  const offered = ['first', 'last'].flatMap(which => weekdays.map(day => `${which} ${day}`));
  return chosen.includes(' ') && !offered.includes(chosen) ? [...offered, chosen] : offered;
}

function weekdayOfMonthName(value: string, trans: TranslationBundle): string {
  const [which = '', day = ''] = value.split(' ');
  const numbers: Record<string, string> = {
    first: trans.__('First'),
    second: trans.__('Second'),
    third: trans.__('Third'),
    fourth: trans.__('Fourth'),
    fifth: trans.__('Fifth'),
    last: trans.__('Last')
  };
  const days: Record<string, string> = {
    Monday: trans.__('Monday'),
    Tuesday: trans.__('Tuesday'),
    Wednesday: trans.__('Wednesday'),
    Thursday: trans.__('Thursday'),
    Friday: trans.__('Friday'),
    Saturday: trans.__('Saturday'),
    Sunday: trans.__('Sunday')
  };
  return trans.__('%1 %2', numbers[which] ?? which, days[day] ?? day);
}

function kindName(kind: Kind, trans: TranslationBundle): string {
  const names: Record<Kind, string> = {
    daily: trans.__('Daily'),
    weekdays: trans.__('Weekdays'),
    weekly: trans.__('Weekly'),
    monthly: trans.__('Monthly'),
    hourly: trans.__('Hourly'),
    once: trans.__('Once'),
    cron: trans.__('Cron expression')
  };
  return names[kind];
}

function dayName(day: string, trans: TranslationBundle): string {
  const names: Record<string, string> = {
    Mon: trans.__('Mon'),
    Tue: trans.__('Tue'),
    Wed: trans.__('Wed'),
    Thu: trans.__('Thu'),
    Fri: trans.__('Fri'),
    Sat: trans.__('Sat'),
    Sun: trans.__('Sun')
  };
  return names[day] ?? day;
}
