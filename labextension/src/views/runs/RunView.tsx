/** A run: did it work, why not, where is the result? */
import type { ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { Run, RunDetails } from '../../api/schemas';
import type { Field } from '../../model/form';
import { DEFAULT_FREQUENCY } from '../../model/formDefaults';
import type { Reader } from '../../model/runs';
import {
  needsALook,
  isOpen,
  findPage,
  findTime,
  describeState,
  listSteps,
  describeDuration,
  describeTrigger
} from '../../model/runs';
import { formatDollars, formatDuration } from '../../model/format';
import type { View } from '../../model/views';
import { AwayLink, Button, CopyButton } from '../common/controls';
import { LiveProblem, ProblemBox, Waiting } from '../common/messages';
import { useHost, useReader } from '../common/hostContext';
import { Picture } from '../common/Picture';
import { Log } from './Log';
import { FailedCell, Outcome } from './Outcome';
import { Approval } from './Approval';
import { ExecutedNotebook, RunFiles, findExecuted } from './RunFiles';
import type { Action } from '../common/useAction';
import { useAction } from '../common/useAction';
import { useLive } from '../common/useLive';
import type { MissingFile } from './useMissingFile';
import { useMissingFile } from './useMissingFile';
import { UpdateAndRun, useMendedNotebook } from './UpdateAndRun';

/** milliseconds */
const SPEAK = 10_000;

interface Props {
  id: string;
  go(view: View): void;
  /** hears of every state, as a widget's traits do */
  seen?(run: RunDetails): void;
}

export function RunView({ id, go, seen }: Props): ReactElement {
  const { api } = useHost();
  const live = useLive(
    `run ${id}`,
    async signal => {
      const run = await api.run(id, signal);
      seen?.(run);
      return run;
    },
    isOpen
  );
  if (!live.value) {
    return <div className="jp-Schedule-page">{live.problem ? <ProblemBox problem={live.problem} /> : <Waiting />}</div>;
  }
  return (
    <div className="jp-Schedule-page">
      <LiveProblem live={live} />
      <Details run={live.value} go={go} refresh={live.refresh} />
    </div>
  );
}

function Details({ run, go, refresh }: { run: RunDetails; go(view: View): void; refresh(): void }): ReactElement {
  const { trans } = useHost();
  const reader = useReader(isOpen(run));
  const action = useAction();
  const state = describeState(run, reader);
  const report = findExecuted(run);
  const missing = useMissingFile(run);
  return (
    <>
      <div className="jp-Schedule-title">
        <h2 className="jp-Schedule-state" data-role={state.role}>
          <Picture of={state.icon} />
          <span>{state.words}</span>
        </h2>
        <span className="jp-Schedule-quiet" title={reader.clock.both(run.scheduled_for)}>
          {[reader.clock.full(run.started_at ?? run.scheduled_for), needsALook(run) ? describeDuration(run, trans) : '']
            .filter(Boolean)
            .join(', ')}
        </span>
      </div>
      {run.progress && isOpen(run) && (
        <progress aria-label={trans.__('Cells done')} max={run.progress[1] || 1} value={run.progress[0]} />
      )}
      <Spoken text={trans.__('Run of %1: %2', run.schedule, state.words)} />
      <Outcome run={run} missing={missing} />
      <Actions run={run} missing={missing} go={go} refresh={refresh} action={action} />
      <Approval
        run={run}
        action={action}
        opened={made => go({ at: 'run', run: made.run_id, schedule: run.schedule })}
      />
      {action.problem && <ProblemBox problem={action.problem} />}
      {run.failure && needsALook(run) && <FailedCell failure={run.failure} />}
      {run.status === 'succeeded' && <RunFiles run={run} />}
      <Steps run={run} reader={reader} />
      {run.removed ? <p className="jp-Schedule-note">{run.removed}</p> : <Log run={run} />}
      {run.status !== 'succeeded' && <RunFiles run={run} />}
      {report && <ExecutedNotebook file={report} failed={needsALook(run)} />}
      <Facts run={run} reader={reader} />
    </>
  );
}

/** The state for those who don't see it, every ten seconds at most. */
function Spoken({ text }: { text: string }): ReactElement {
  const newest = useRef(text);
  newest.current = text;
  const [spoken, setSpoken] = useState(text);
  useEffect(() => {
    const timer = setInterval(() => setSpoken(newest.current), SPEAK);
    return () => clearInterval(timer);
  }, []);
  return (
    <p className="jp-Schedule-hidden" role="status">
      {spoken}
    </p>
  );
}

/** Opens the notebook where it failed. */
function OpenAtCell({ run, primary }: { run: RunDetails; primary: boolean }): ReactElement | null {
  const { api, trans, openNotebook } = useHost();
  const action = useAction();
  const cell = needsALook(run) ? run.failure?.cell : null;
  if (!cell || !openNotebook) {
    return null;
  }
  const open = () =>
    action.run(async () => {
      const { form } = await api.schedule(run.schedule);
      if (form.notebook) {
        openNotebook(form.notebook, cell);
      }
    });
  return (
    <Button primary={primary} onClick={open}>
      {trans.__('Open at cell %1', cell)}
    </Button>
  );
}

/** Stops the run; answers at once. */
function StopButton({ run, action, refresh }: Omit<ActionsProps, 'go' | 'missing'>): ReactElement {
  const { api, trans } = useHost();
  const [asked, setAsked] = useState(run.cancelled_by !== null);
  const stop = () => {
    setAsked(true);
    action.run(async () => {
      try {
        await api.cancel(run.run_id);
      } catch (error) {
        setAsked(false);
        throw error;
      } finally {
        refresh();
      }
    });
  };
  return (
    <div className="jp-Schedule-actions jp-mod-start">
      <Button aria-disabled={asked} onClick={() => !asked && stop()}>
        {asked ? trans.__('Stopping…') : trans.__('Stop')}
      </Button>
    </div>
  );
}

interface ActionsProps {
  run: RunDetails;
  missing: MissingFile | null;
  go(view: View): void;
  refresh(): void;
  action: Action;
}

/** The next actions, the likeliest first: the known mend, the failing cell, the result. */
function Actions({ run, missing, go, refresh, action }: ActionsProps): ReactElement {
  const { api, trans, openReport, clock } = useHost();
  const mend = missing?.apply;
  const mended = useMendedNotebook(run, needsALook(run));
  const report = findExecuted(run);
  if (isOpen(run)) {
    return <StopButton run={run} action={action} refresh={refresh} />;
  }
  const start = (work: () => Promise<Run>) => () =>
    action.run(async () => go({ at: 'run', run: (await work()).run_id, schedule: run.schedule }));
  const title = `${run.schedule} · ${clock.full(findTime(run))}`;
  const good = run.status === 'succeeded';
  const edit = (field: Field) => () => go({ at: 'form', notebook: null, schedule: run.schedule, field });
  const open = (url: string) => (openReport ? openReport(title, url) : void window.open(url, '_blank', 'noopener'));
  return (
    <div className="jp-Schedule-actions jp-mod-start">
      {mend && (
        <Button primary onClick={start(mend)} title={missing.path}>
          {trans.__('Add the file and run again')}
        </Button>
      )}
      {mended && (
        <UpdateAndRun
          schedule={mended}
          action={action}
          opened={made => go({ at: 'run', run: made.run_id, schedule: run.schedule })}
        />
      )}
      <OpenAtCell run={run} primary={!mend && !mended} />
      {report && good && (
        <Button primary onClick={() => open(report.url)}>
          {trans.__('Open result')}
        </Button>
      )}
      {run.trial && good && <ScheduleTrial run={run} go={go} action={action} />}
      <Button onClick={start(() => api.retry(run.run_id))}>{trans.__('Run again')}</Button>
      {run.reason === 'time_limit' && <Button onClick={edit('timeout_minutes')}>{trans.__('Change timeout')}</Button>}
      {run.reason === 'empty_output' && (
        <Button onClick={edit('output_dir')}>{trans.__('Change output directory')}</Button>
      )}
      {report && !good && <Button onClick={() => open(report.url)}>{trans.__('Open executed notebook')}</Button>}
      {run.publication && <AwayLink href={findPage(run.publication.url)}>{trans.__('Published files')}</AwayLink>}
    </div>
  );
}

/** Schedules what was tried, as it was tried, at the frequency that a new form has. */
function ScheduleTrial({ run, go, action }: Pick<ActionsProps, 'run' | 'go' | 'action'>): ReactElement {
  const { api, trans } = useHost();
  const schedule = () =>
    action.run(async () => {
      const { name, version } = await api.schedule(run.schedule);
      await api.edit(name, { frequency: DEFAULT_FREQUENCY }, version);
      go({ at: 'history', schedule: name });
    });
  return (
    <>
      <Button onClick={schedule}>
        {trans.__('Schedule daily at %1 %2', DEFAULT_FREQUENCY.at, DEFAULT_FREQUENCY.timezone)}
      </Button>
      <Button onClick={() => go({ at: 'form', notebook: null, schedule: run.schedule, field: 'kind' })}>
        {trans.__('Schedule otherwise…')}
      </Button>
    </>
  );
}

function Steps({ run, reader }: { run: RunDetails; reader: Reader }): ReactElement | null {
  const all = listSteps(run, reader);
  if (all.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>{reader.trans.__('Steps')}</h3>
      <ol className="jp-Schedule-steps">
        {all.map(step => (
          <li key={step.key}>
            <span className="jp-Schedule-state" data-role={step.role}>
              <Picture of={step.icon} />
            </span>
            <span>{step.words}</span>
            <span className="jp-Schedule-quiet jp-Schedule-number">
              {step.seconds === null ? '' : formatDuration(step.seconds)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Facts({ run, reader }: { run: RunDetails; reader: Reader }): ReactElement {
  const { trans, clock } = reader;
  const parameters = Object.entries(run.parameters).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  );
  return (
    <section>
      <h3>{trans.__('Details')}</h3>
      <dl className="jp-Schedule-facts">
        <dt>{trans.__('Due')}</dt>
        <dd>{clock.both(run.scheduled_for)}</dd>
        <dt>{trans.__('Why')}</dt>
        <dd>{[describeTrigger(run, trans), ...parameters].join(' · ')}</dd>
        <dt>{trans.__('Code')}</dt>
        <dd>{trans.__('version %1, tarball %2', run.version, run.bundle.slice(0, 7))}</dd>
        {run.machine_seconds !== null && (
          <>
            <dt>{trans.__('Cost')}</dt>
            <dd>
              {run.cost === null
                ? trans.__('%1 of a machine, whose price isn’t known', formatDuration(run.machine_seconds))
                : trans.__('%1 for %2 of a machine', formatDollars(run.cost), formatDuration(run.machine_seconds))}
            </dd>
          </>
        )}
        <dt>{trans.__('Run')}</dt>
        <dd>
          <span className="jp-Schedule-code">{run.run_id.slice(0, 8)}</span> <CopyButton text={run.run_id} />
        </dd>
      </dl>
    </section>
  );
}
