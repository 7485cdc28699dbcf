/** One schedule: is it healthy, and when does it run next? */
import type { ReactElement, SyntheticEvent } from 'react';
import { Suspense, lazy, useState } from 'react';

import type { Run, Schedule } from '../../api/schemas';
import type { Reader } from '../../model/runs';
import { formatDollars, formatDuration, formatSize } from '../../model/format';
import {
  describeCause,
  needsALook,
  isOpen,
  findPage,
  findTime,
  describeState,
  describeScheduleState,
  describeTrigger
} from '../../model/runs';
import type { TranslationBundle } from '../../model/translation';
import { AwayLink, Button, ViewLink } from '../common/controls';
import { LiveProblem, ProblemBox, Waiting } from '../common/messages';
import { StateMark } from '../common/Picture';
import { Code } from './Code';
import { VisibleProvider, useHost, useReader, useVisible } from '../common/hostContext';
import { Menu } from '../common/Menu';
import { PauseNote } from './PauseNote';
import { Sentence } from './Sentence';
import { Strip } from './Strip';
import { NextDays } from '../common/Summary';
import { useLive } from '../common/useLive';
import type { PanelControls } from './useScheduleActions';
import { labelPauseButton, useScheduleActions } from './useScheduleActions';

// What few open is loaded when somebody does.
const Calendar = lazy(() => import('./Calendar').then(({ Calendar }) => ({ default: Calendar })));

type Filter = 'all' | 'failed' | 'skipped';

export function History({ name, panel }: { name: string; panel: PanelControls }): ReactElement {
  const { api } = useHost();
  const live = useLive(
    `schedule ${name}`,
    async signal => {
      const [schedule, runs] = await Promise.all([api.schedule(name, signal), api.runs(name, signal)]);
      return { schedule, runs };
    },
    ({ runs }) => runs.some(isOpen)
  );
  if (!live.value) {
    return <div className="jp-Schedule-page">{live.problem ? <ProblemBox problem={live.problem} /> : <Waiting />}</div>;
  }
  const { schedule, runs } = live.value;
  const refresh = () => {
    live.refresh();
    panel.refresh();
  };
  return (
    <div className="jp-Schedule-page">
      <LiveProblem live={live} />
      <Head schedule={schedule} panel={{ ...panel, refresh }} />
      <Days schedule={schedule} panel={panel} refresh={refresh} />
      <Code schedule={schedule} panel={panel} refresh={refresh} />
      <Runs runs={runs} panel={panel} />
    </div>
  );
}

function Head({ schedule, panel }: { schedule: Schedule; panel: PanelControls }): ReactElement {
  const { trans } = useHost();
  const reader = useReader(schedule.last_runs.some(isOpen));
  const actions = useScheduleActions(schedule, panel);
  const rest = actions.menu.filter(
    ({ label }) => ![trans.__('Run now'), labelPauseButton(schedule, trans), trans.__('Edit')].includes(label)
  );
  return (
    <section>
      <div className="jp-Schedule-title">
        <h2>{schedule.name}</h2>
        <StateMark state={describeScheduleState(schedule, reader)} />
      </div>
      <Sentence schedule={schedule} refresh={panel.refresh} />
      <div className="jp-Schedule-actions jp-mod-start">
        {schedule.state !== 'broken' && (
          <Button primary onClick={actions.runNow}>
            {trans.__('Run now')}
          </Button>
        )}
        {schedule.state !== 'ended' && schedule.state !== 'broken' && (
          <Button onClick={actions.pauseOrResume}>{labelPauseButton(schedule, trans)}</Button>
        )}
        {schedule.state !== 'broken' && <Button onClick={actions.edit}>{trans.__('Edit')}</Button>}
        <Menu label={trans.__('More actions')} items={rest} />
        {schedule.publication_url && (
          <AwayLink href={findPage(schedule.publication_url)}>{trans.__('Results')}</AwayLink>
        )}
      </div>
      {schedule.state === 'rehearsing' && (
        <p className="jp-Schedule-note">
          {schedule.last_runs.some(isOpen)
            ? trans.__('It runs by itself as soon as its rehearsal has succeeded.')
            : trans.__(
                'Its rehearsal didn’t succeed, so it doesn’t run by itself: mend the cause and save, or run it again.'
              )}
        </p>
      )}
      <PauseNote schedule={schedule} refresh={panel.refresh} />
      {schedule.state === 'active' && schedule.next.length > 0 && <NextDays next={schedule.next.slice(0, 5)} />}
    </section>
  );
}

/** The calendar, behind a fold; closed again it keeps what was picked, and asks for nothing. */
function Days({
  schedule,
  panel,
  refresh
}: {
  schedule: Schedule;
  panel: PanelControls;
  refresh(): void;
}): ReactElement {
  const { trans } = useHost();
  const visible = useVisible();
  const [open, setOpen] = useState(false);
  const [opened, setOpened] = useState(false);
  const onToggle = (event: SyntheticEvent<HTMLDetailsElement>) => {
    setOpen(event.currentTarget.open);
    setOpened(true);
  };
  return (
    <details className="jp-Schedule-fold" onToggle={onToggle}>
      <summary>{trans.__('Calendar and past days')}</summary>
      {opened && (
        <VisibleProvider value={visible && open}>
          <Suspense fallback={<Waiting />}>
            <Calendar name={schedule.name} timezone={schedule.timing.timezone} go={panel.go} refresh={refresh} />
          </Suspense>
        </VisibleProvider>
      )}
    </details>
  );
}

function Runs({ runs, panel }: { runs: Run[]; panel: PanelControls }): ReactElement {
  const { trans } = useHost();
  const reader = useReader(runs.some(isOpen));
  const [filter, setFilter] = useState<Filter>('all');
  const groups: Record<Filter, Run[]> = {
    all: runs,
    failed: runs.filter(needsALook),
    skipped: runs.filter(run => run.status === 'skipped')
  };
  const shown = (Object.keys(groups) as Filter[]).filter(name => name === 'all' || groups[name].length > 0);
  if (runs.length === 0) {
    return <p className="jp-Schedule-quiet">{trans.__('No runs yet.')}</p>;
  }
  return (
    <section>
      <h3>{trans.__('Runs')}</h3>
      <Strip
        runs={runs}
        most={30}
        reader={reader}
        open={run => panel.go({ at: 'run', run: run.run_id, schedule: run.schedule })}
      />
      {shown.length > 1 && (
        <div className="jp-Schedule-chips" role="group" aria-label={trans.__('Show')}>
          {shown.map(name => (
            <button key={name} type="button" aria-pressed={filter === name} onClick={() => setFilter(name)}>
              {labelFilter(name, trans)} <span>{groups[name].length}</span>
            </button>
          ))}
        </div>
      )}
      <ul className="jp-Schedule-runs" aria-label={trans.__('Runs')}>
        {groups[filter].map(run => (
          <Row key={run.run_id} run={run} reader={reader} panel={panel} />
        ))}
      </ul>
    </section>
  );
}

function Row({ run, reader, panel }: { run: Run; reader: Reader; panel: PanelControls }): ReactElement {
  const said = describeOutcome(run, reader);
  return (
    <li>
      <div className="jp-mod-head">
        <ViewLink view={{ at: 'run', run: run.run_id, schedule: run.schedule }} go={panel.go}>
          {reader.clock.full(findTime(run))}
        </ViewLink>
        <StateMark state={describeState(run, reader)} title={reader.clock.both(findTime(run))} />
      </div>
      {said && <p className="jp-Schedule-quiet">{said}</p>}
    </li>
  );
}

/** The text of a row besides the state: the cause, or what came out, and why it ran when not by schedule. */
function describeOutcome(run: Run, { trans, clock }: Reader): string {
  const parts = [];
  if (run.trigger !== 'schedule') {
    parts.push(describeTrigger(run, trans));
  }
  if (run.trigger === 'retry') {
    parts.push(trans.__('of %1', clock.full(run.scheduled_for)));
  }
  if (run.until) {
    parts.push(trans.__('to %1', clock.full(run.until)));
  }
  if (run.removed) {
    parts.push(run.removed);
  } else if (run.publication) {
    const { files } = run.publication;
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    parts.push(trans._n('%1 file, %2', '%1 files, %2', files.length, formatSize(bytes)));
  } else if (run.message && run.status !== 'succeeded') {
    parts.push(describeCause(run));
  }
  if (run.seconds !== null && run.status !== 'succeeded' && run.status !== 'timed_out') {
    parts.push(formatDuration(run.seconds));
  }
  if (run.cost !== null) {
    parts.push(formatDollars(run.cost));
  }
  return parts.join(' · ');
}

function labelFilter(filter: Filter, trans: TranslationBundle): string {
  const names = { all: trans.__('All'), failed: trans.__('Failed'), skipped: trans.__('Skipped and missed') };
  return names[filter];
}
