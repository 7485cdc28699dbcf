/** One schedule: is it healthy, and when does it run next? */
import type { ReactElement } from 'react';
import { useState } from 'react';

import type { Run, Schedule } from '../api/shapes';
import type { Reader } from '../model/runs';
import { cause, isBad, isOpen, nameOf, stateOf, stateOfSchedule, why } from '../model/runs';
import { duration, size } from '../model/time';
import type { Trans } from '../model/trans';
import { AwayLink, Button, LiveProblem, ProblemBox, StateMark, TextButton, Waiting } from './basics';
import { useHost, useReader } from './host';
import { Menu } from './Menu';
import { ViewLink } from './ScheduleList';
import { Sentence } from './Sentence';
import { Strip } from './Strip';
import { NextDays } from './Summary';
import { useLive } from './useLive';
import type { Panel } from './useScheduleActions';
import { useScheduleActions } from './useScheduleActions';

type Filter = 'all' | 'failed' | 'skipped';

export function History({ name, panel }: { name: string; panel: Panel }): ReactElement {
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
      <Code schedule={schedule} panel={panel} refresh={refresh} />
      <Runs runs={runs} panel={panel} />
    </div>
  );
}

function Head({ schedule, panel }: { schedule: Schedule; panel: Panel }): ReactElement {
  const { trans } = useHost();
  const reader = useReader(schedule.last_runs.some(isOpen));
  const actions = useScheduleActions(schedule, panel);
  const paused = schedule.state === 'paused';
  const rest = actions.menu.filter(({ label }) => ![trans.__('Run now'), trans.__('Pause'), trans.__('Resume'), trans.__('Edit')].includes(label));
  return (
    <section>
      <div className="jp-Schedule-title">
        <h2>{schedule.name}</h2>
        <StateMark state={stateOfSchedule(schedule, reader)} />
      </div>
      <Sentence schedule={schedule} refresh={panel.refresh} />
      <div className="jp-Schedule-actions jp-mod-start">
        <Button primary onClick={actions.runNow}>
          {trans.__('Run now')}
        </Button>
        {schedule.state !== 'ended' && (
          <Button onClick={actions.pauseOrResume}>{paused ? trans.__('Resume') : trans.__('Pause')}</Button>
        )}
        <Button onClick={actions.edit}>{trans.__('Edit')}</Button>
        <Menu label={trans.__('More actions')} items={rest} />
        {schedule.publication_url && <AwayLink href={schedule.publication_url}>{trans.__('Results')}</AwayLink>}
      </div>
      {schedule.state === 'active' && schedule.next.length > 0 && (
        <NextDays next={schedule.next.slice(0, 5)} />
      )}
    </section>
  );
}

function Runs({ runs, panel }: { runs: Run[]; panel: Panel }): ReactElement {
  const { trans } = useHost();
  const reader = useReader(runs.some(isOpen));
  const [filter, setFilter] = useState<Filter>('all');
  const groups: Record<Filter, Run[]> = {
    all: runs,
    failed: runs.filter(isBad),
    skipped: runs.filter(run => run.status === 'skipped')
  };
  const shown = (Object.keys(groups) as Filter[]).filter(name => name === 'all' || groups[name].length > 0);
  if (runs.length === 0) {
    return <p className="jp-Schedule-quiet">{trans.__('No runs yet.')}</p>;
  }
  return (
    <section>
      <h3>{trans.__('Runs')}</h3>
      <Strip runs={runs} most={30} reader={reader} open={run => panel.go({ at: 'run', run: run.run_id, schedule: run.schedule })} />
      {shown.length > 1 && (
        <div className="jp-Schedule-chips" role="group" aria-label={trans.__('Show')}>
          {shown.map(name => (
            <button key={name} type="button" aria-pressed={filter === name} onClick={() => setFilter(name)}>
              {filterName(name, trans)} <span>{groups[name].length}</span>
            </button>
          ))}
        </div>
      )}
      <ul className="jp-Schedule-runs" aria-label={trans.__('Runs')}>
        {groups[filter].map(run => (
          <li key={run.run_id}>
            <div className="jp-mod-head">
              <ViewLink view={{ at: 'run', run: run.run_id, schedule: run.schedule }} go={panel.go}>
                {reader.clock.full(run.scheduled_for)}
              </ViewLink>
              <StateMark state={stateOf(run, reader)} title={reader.clock.both(run.scheduled_for)} />
            </div>
            <p className="jp-Schedule-quiet">{outcome(run, reader)}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What a row says besides the state: the cause, or what came out, and why it ran when not by schedule. */
function outcome(run: Run, { trans, clock }: Reader): string {
  const parts = [];
  if (run.trigger !== 'schedule') {
    parts.push(why(run, trans));
  }
  if (run.until) {
    parts.push(trans.__('to %1', clock.full(run.until)));
  }
  if (run.publication) {
    const { files } = run.publication;
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    parts.push(trans._n('%1 file, %2', '%1 files, %2', files.length, size(bytes)));
  } else if (run.message && run.status !== 'succeeded') {
    parts.push(cause(run));
  }
  if (run.seconds !== null && run.status !== 'succeeded' && run.status !== 'timed_out') {
    parts.push(duration(run.seconds));
  }
  return parts.join(' · ');
}

/** Which code runs, and the act that changes it. */
function Code({ schedule, panel, refresh }: { schedule: Schedule; panel: Panel; refresh(): void }): ReactElement {
  const { api, trans, clock, save } = useHost();
  const { notebook } = schedule.form;
  const renew = () =>
    panel.action.run(async () => {
      await save?.(notebook!);
      await api.edit(schedule.name, {}, schedule.version, true);
      refresh();
    });
  return (
    <section>
      <div className="jp-Schedule-title">
        <h3>{trans.__('Code')}</h3>
        {notebook && <TextButton onClick={renew}>{trans.__('Use the notebook as it is now')}</TextButton>}
      </div>
      <p className="jp-Schedule-quiet" title={trans.__('tarball %1', schedule.bundle.slice(0, 7))}>
        {trans.__('Version %1, saved %2 by %3', schedule.version, clock.full(schedule.changed_at), nameOf(schedule.changed_by, trans))}
      </p>
    </section>
  );
}

function filterName(filter: Filter, trans: Trans): string {
  const names = { all: trans.__('All'), failed: trans.__('Failed'), skipped: trans.__('Skipped and missed') };
  return names[filter];
}
