/** A schedule's days in a month, green, red, missed, skipped and not yet; days are picked here and run. */
import type { KeyboardEvent, MouseEvent, ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { Calendar as Told, CalendarDay } from '../../api/schemas';
import type { DayRange } from '../../model/calendar';
import {
  isPicked,
  describeDay,
  listStates,
  findLook,
  endOfMonth,
  addMonths,
  pick,
  describeProgress,
  stepByKey,
  layOutWeeks,
  nameState
} from '../../model/calendar';
import { dateIn } from '../../model/time';
import type { View } from '../../model/views';
import { Backfill } from './Backfill';
import { Button, ViewLink } from '../common/controls';
import { LiveProblem, ProblemBox, Waiting } from '../common/messages';
import { StateMark, Picture } from '../common/Picture';
import { useHost } from '../common/hostContext';
import { useAction } from '../common/useAction';
import { useLive } from '../common/useLive';

import '../../../style/calendar.css';

interface Props {
  name: string;
  timezone: string;
  go(view: View): void;
  /** load the runs below again */
  refresh(): void;
}

export function Calendar({ name, timezone, go, refresh }: Props): ReactElement {
  const { api, trans, now } = useHost();
  const [month, setMonth] = useState(() => addMonths(dateIn(timezone, now()), 0));
  const [picked, setPicked] = useState<DayRange | null>(null);
  const live = useLive(
    `days ${name} ${month}`,
    signal => api.days(name, month, endOfMonth(month), signal),
    ({ waiting, going }) => waiting + going > 0
  );
  // what was told last stays on screen, so that nothing jumps from month to month
  const last = useRef<Told>();
  last.current = live.value ?? last.current;
  const told = last.current;
  if (!told) {
    return live.problem ? <ProblemBox problem={live.problem} /> : <Waiting />;
  }
  const days = live.value && new Map(live.value.days.map(day => [day.day, day]));
  const only = picked && picked.from === picked.to ? days?.get(picked.from) : undefined;
  const changed = () => {
    live.refresh();
    refresh();
  };
  return (
    <>
      <LiveProblem live={live} />
      <Progress name={name} told={told} changed={changed} />
      <div className="jp-Schedule-month">
        <Months month={month} today={told.today} show={setMonth} />
        <Grid month={month} today={told.today} days={days} picked={picked} setPicked={setPicked} show={setMonth} />
        {days ? <Legend days={[...days.values()]} /> : !live.problem && <Waiting />}
      </div>
      {only && <OneDay day={only} name={name} go={go} />}
      <Backfill
        key={picked ? 'picked' : 'none'}
        name={name}
        today={told.today}
        picked={picked}
        setPicked={setPicked}
        open={told.waiting + told.going}
        changed={changed}
      />
      {timezone !== 'UTC' && <p className="jp-Schedule-quiet">{trans.__('Days are those of %1.', timezone)}</p>}
    </>
  );
}

function Legend({ days }: { days: CalendarDay[] }): ReactElement {
  const { trans } = useHost();
  return (
    <ul className="jp-Schedule-legend" aria-label={trans.__('What the days say')}>
      {listStates(days).map(state => (
        <li key={state}>
          {state === 'not_yet' ? (
            <span className="jp-Schedule-state jp-mod-blank">{nameState(state, trans)}</span>
          ) : (
            <StateMark state={{ ...findLook(state), words: nameState(state, trans) }} />
          )}
        </li>
      ))}
    </ul>
  );
}

/** The backfills' progress, and a button that ends the rest. */
function Progress({ name, told, changed }: { name: string; told: Told; changed(): void }): ReactElement | null {
  const { api, trans } = useHost();
  const action = useAction();
  const words = describeProgress(told, trans);
  if (!words) {
    return null;
  }
  const cancel = () => action.run(async () => (await api.cancelBackfill(name), changed()));
  return (
    <div className="jp-Schedule-box" data-role="info">
      <Picture of="running" />
      <div>
        <p role="status">{words}</p>
        <progress
          aria-label={trans.__('Past runs done')}
          max={told.asked}
          value={told.asked - told.waiting - told.going}
        />
        {action.problem && <ProblemBox problem={action.problem} />}
        {told.waiting > 0 && (
          <div className="jp-Schedule-actions jp-mod-start">
            <Button className="jp-mod-small" onClick={cancel}>
              {trans._n('Cancel the one that is left', 'Cancel the %1 that are left', told.waiting)}
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}

function Months({ month, today, show }: { month: string; today: string; show(month: string): void }): ReactElement {
  const { trans, clock } = useHost();
  const names = { before: trans.__('Month before'), after: trans.__('Month after') };
  return (
    <div className="jp-Schedule-months">
      <button
        type="button"
        className="jp-Schedule-iconButton"
        aria-label={names.before}
        title={names.before}
        onClick={() => show(addMonths(month, -1))}
      >
        ‹
      </button>
      <span aria-live="polite">{clock.month(month)}</span>
      <button
        type="button"
        className="jp-Schedule-iconButton"
        aria-label={names.after}
        title={names.after}
        onClick={() => show(addMonths(month, 1))}
      >
        ›
      </button>
      {month !== addMonths(today, 0) && (
        <button type="button" className="jp-Schedule-textButton" onClick={() => show(addMonths(today, 0))}>
          {trans.__('Today')}
        </button>
      )}
    </div>
  );
}

interface GridProps {
  month: string;
  today: string;
  /** undefined until they are known */
  days: ReadonlyMap<string, CalendarDay> | undefined;
  picked: DayRange | null;
  setPicked(picked: DayRange | null): void;
  show(month: string): void;
}

/** One stop in the tab order; arrow keys go from day to day, Enter picks, Shift with either makes a stretch. */
function Grid({ month, today, days, picked, setPicked, show }: GridProps): ReactElement {
  const { trans, clock } = useHost();
  const table = useRef<HTMLTableElement>(null);
  const moved = useRef(false);
  const [at, setAt] = useState(today);
  const here = addMonths(at, 0) === month ? at : month;
  useEffect(() => {
    if (moved.current) {
      moved.current = false;
      table.current?.querySelector<HTMLElement>(`[data-day="${here}"]`)?.focus();
    }
  }, [here]);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = stepByKey(event.key, here);
    if (next === undefined) {
      if (event.key === 'Escape' && picked) {
        event.stopPropagation();
        setPicked(null);
      }
      return;
    }
    event.preventDefault();
    moved.current = true;
    setAt(next);
    if (addMonths(next, 0) !== month) {
      show(addMonths(next, 0));
    }
    if (event.shiftKey) {
      setPicked(pick(picked ?? { from: here, to: here }, next, today, true));
    }
  };
  const choose = (day: string, event: MouseEvent) => {
    setAt(day);
    setPicked(pick(picked, day, today, event.shiftKey));
  };
  return (
    <table
      ref={table}
      className="jp-Schedule-grid"
      role="grid"
      aria-label={clock.month(month)}
      aria-busy={!days}
      aria-multiselectable="true"
      onKeyDown={onKeyDown}
    >
      <thead>
        <tr>
          {layOutWeeks('2026-06-01')[0]!.map(day => (
            <th key={day} scope="col">
              {clock.weekday(day!)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {layOutWeeks(month).map((week, place) => (
          <tr key={place}>
            {week.map((day, place) =>
              day === null ? (
                <td key={place} />
              ) : (
                <Cell
                  key={day}
                  day={day}
                  told={days?.get(day)}
                  label={days ? describeDay(day, days.get(day), clock, trans) : clock.date(day, 'UTC')}
                  now={day === today}
                  future={day > today}
                  stop={day === here}
                  picked={isPicked(picked, day)}
                  choose={choose}
                />
              )
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellProps {
  day: string;
  told: CalendarDay | undefined;
  label: string;
  now: boolean;
  future: boolean;
  /** the tab order stops here */
  stop: boolean;
  picked: boolean;
  choose(day: string, event: MouseEvent): void;
}

function Cell({ day, told, label, now, future, stop, picked, choose }: CellProps): ReactElement {
  const look = told && findLook(told.state);
  return (
    <td role="gridcell" aria-selected={picked}>
      <button
        type="button"
        data-day={day}
        data-state={told?.state}
        tabIndex={stop ? 0 : -1}
        aria-label={label}
        aria-current={now ? 'date' : undefined}
        aria-disabled={future || undefined}
        title={label}
        onClick={event => choose(day, event)}
      >
        <span>{Number(day.slice(8))}</span>
        {look && told.state !== 'not_yet' && (
          <span data-role={look.role}>
            <Picture of={look.icon} />
          </span>
        )}
      </button>
    </td>
  );
}

/** The one day that is picked: what became of it, which data it is about, and its run. */
function OneDay({ day, name, go }: { day: CalendarDay; name: string; go(view: View): void }): ReactElement {
  const { trans, clock } = useHost();
  const data =
    day.data_start === day.data_end
      ? ''
      : ` ${trans.__('Data from %1 to %2.', clock.full(day.data_start), clock.full(day.data_end))}`;
  return (
    <p>
      {describeDay(day.day, day, clock, trans)}.{data}{' '}
      {day.run_id && (
        <ViewLink view={{ at: 'run', run: day.run_id, schedule: name }} go={go}>
          {trans.__('Open run')}
        </ViewLink>
      )}
    </p>
  );
}
