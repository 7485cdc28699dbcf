/** All schedules: what is wrong first, then what runs, then what comes next. */
import type { KeyboardEvent, ReactElement } from 'react';
import { useState } from 'react';

import type { Schedule } from '../../api/schemas';
import type { Chip } from '../../model/scheduleList';
import { CHIPS, countByChip, selectSchedules } from '../../model/scheduleList';
import type { Reader } from '../../model/runs';
import { describeCause, needsALook, findNewest, describeScheduleState } from '../../model/runs';
import type { TranslationBundle } from '../../model/translation';
import { baseName } from '../../model/views';
import { Button, TextButton, ViewLink } from '../common/controls';
import { LiveProblem, ProblemBox, Waiting } from '../common/messages';
import { StateMark } from '../common/Picture';
import { useHost, useReader } from '../common/hostContext';
import { Menu } from '../common/Menu';
import { Strip } from './Strip';
import type { Live } from '../common/useLive';
import type { PanelControls } from './useScheduleActions';
import { useScheduleActions } from './useScheduleActions';

interface Props {
  schedules: Live<Schedule[]>;
  /** names that are about to be deleted */
  hidden: ReadonlySet<string>;
  chip: Chip;
  panel: PanelControls;
  /** the notebook that is open in front */
  notebook: string | null;
  /** Schedule that notebook. */
  create(): void;
}

export function ScheduleList({ schedules, hidden, chip, panel, notebook, create }: Props): ReactElement {
  const { trans, browse, uploads } = useHost();
  const [filter, setFilter] = useState('');
  const all = (schedules.value ?? []).filter(({ name, state }) => !hidden.has(name) && state !== 'deleted');
  const reader = useReader(false);
  const count = countByChip(all);
  const rows = selectSchedules(all, chip, filter);
  if (!schedules.value) {
    return (
      <div className="jp-Schedule-page">
        {schedules.problem ? <ProblemBox problem={schedules.problem} /> : <Waiting />}
      </div>
    );
  }
  if (all.length === 0) {
    return (
      <div className="jp-Schedule-page jp-Schedule-empty">
        <p className="jp-Schedule-lead">{trans.__('Nothing is scheduled yet.')}</p>
        <p>{trans.__('Schedule a notebook and it runs by itself, with its results kept in one place.')}</p>
        {notebook ? (
          <Button primary onClick={create}>
            {trans.__('Schedule %1', baseName(notebook))}
          </Button>
        ) : (
          browse && (
            <Button primary onClick={browse}>
              {trans.__('Browse notebooks')}
            </Button>
          )
        )}
        {uploads && <TarballButton go={panel.go} />}
      </div>
    );
  }
  return (
    <div className="jp-Schedule-page">
      <div className="jp-Schedule-row jp-Schedule-tools">
        <input
          type="search"
          className="jp-mod-styled"
          aria-label={trans.__('Filter by name or notebook')}
          placeholder={trans.__('Filter')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
        {notebook && (
          <Button primary onClick={create} title={trans.__('Schedule %1', notebook)}>
            {trans.__('Schedule %1', baseName(notebook))}
          </Button>
        )}
        {uploads && <TarballButton go={panel.go} />}
      </div>
      <div className="jp-Schedule-chips" role="group" aria-label={trans.__('Show')}>
        {CHIPS.filter(name => name === 'all' || count[name] > 0 || name === chip).map(name => (
          <button
            key={name}
            type="button"
            aria-pressed={chip === name}
            onClick={() => panel.go(name === 'all' ? { at: 'list' } : { at: 'list', chip: name })}
          >
            {labelChip(name, trans)} <span>{count[name]}</span>
          </button>
        ))}
      </div>
      <LiveProblem live={schedules} />
      {rows.length === 0 && (
        <p className="jp-Schedule-quiet">{trans.__('No schedule fits. Clear the filter to see all.')}</p>
      )}
      <ul className="jp-Schedule-list" onKeyDown={walk} aria-label={trans.__('Schedules')}>
        {rows.map(schedule => (
          <Row key={schedule.id} schedule={schedule} reader={reader} panel={panel} />
        ))}
      </ul>
    </div>
  );
}

function TarballButton({ go }: Pick<PanelControls, 'go'>): ReactElement {
  const { trans } = useHost();
  return (
    <TextButton onClick={() => go({ at: 'form', notebook: null, tarball: true })}>
      {trans.__('Schedule a code tarball')}
    </TextButton>
  );
}

function Row({ schedule, reader, panel }: { schedule: Schedule; reader: Reader; panel: PanelControls }): ReactElement {
  const { trans } = reader;
  const actions = useScheduleActions(schedule, panel);
  const latest = findNewest(schedule);
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === '.') {
      event.currentTarget.querySelector<HTMLElement>('[aria-haspopup="menu"]')?.click();
    }
  };
  return (
    <li onKeyDown={onKeyDown}>
      <div className="jp-mod-head">
        <ViewLink view={{ at: 'history', schedule: schedule.name }} go={panel.go}>
          {schedule.name}
        </ViewLink>
        {latest ? (
          <ViewLink
            className="jp-mod-state"
            view={{ at: 'run', run: latest.run_id, schedule: schedule.name }}
            go={panel.go}
          >
            <StateMark state={describeScheduleState(schedule, reader)} />
          </ViewLink>
        ) : (
          <StateMark state={describeScheduleState(schedule, reader)} />
        )}
      </div>
      {latest && needsALook(latest) && <p className="jp-mod-cause">{describeCause(latest)}</p>}
      <p className="jp-mod-when" title={schedule.summary}>
        {describeNext(schedule, reader)}
      </p>
      <Strip runs={schedule.last_runs} most={10} reader={reader} />
      <Menu label={trans.__('Actions for %1', schedule.name)} items={actions.menu} />
    </li>
  );
}

/** `Every day at 12:00 UTC · next tomorrow 13:00`; of a paused one, since when and what it would do. */
function describeNext(schedule: Schedule, { trans, clock, now }: Reader): string {
  const cadence = shortenSummary(schedule.summary);
  if (schedule.state === 'active' && schedule.next_due) {
    const next = trans.__('next %1', clock.upcoming(schedule.next_due, now));
    return cadence ? `${cadence} · ${next}` : next;
  }
  if (schedule.state === 'ended') {
    return schedule.timing.once ? trans.__('Ran once') : trans.__('Ended');
  }
  return schedule.summary.split(';')[0]!;
}

/** The sentence's first part without its verb: `Every day at 12:00 UTC`; empty where it begins otherwise. */
function shortenSummary(summary: string): string {
  const found = /^Runs (.+?)(?:, next|;|$)/.exec(summary);
  const words = found?.[1] ?? '';
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The arrow keys go from row to row. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('.jp-mod-head > a:not(.jp-mod-state)')];
  const place = links.indexOf(document.activeElement as HTMLElement);
  const next = step && place >= 0 ? links[place + step] : undefined;
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

function labelChip(chip: Chip, trans: TranslationBundle): string {
  const names: Record<Chip, string> = {
    all: trans.__('All'),
    failing: trans.__('Failing'),
    running: trans.__('Running'),
    paused: trans.__('Paused')
  };
  return names[chip];
}
