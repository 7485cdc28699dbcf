/** A run: did it work, why not, where is the result? */
import type { ReactElement } from 'react';
import { useState } from 'react';

import type { RunDetails, Schedule } from '../api/shapes';
import type { Reader } from '../model/runs';
import { cause, isBad, isOpen, stateOf, steps, took, why } from '../model/runs';
import { duration } from '../model/time';
import type { View } from '../model/views';
import { Button, CopyButton, ProblemBox, Waiting } from './basics';
import { useHost, useReader } from './host';
import { Picture } from './icons';
import { Log } from './Log';
import { ExecutedNotebook, RunFiles, executed } from './RunFiles';
import type { Action } from './useAction';
import { useAction } from './useAction';
import { useLive } from './useLive';
import { useMissingFile } from './useMissingFile';

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
      {live.problem && <ProblemBox problem={live.problem} />}
      <Details run={live.value} go={go} refresh={live.refresh} />
    </div>
  );
}

function Details({ run, go, refresh }: { run: RunDetails; go(view: View): void; refresh(): void }): ReactElement {
  const { trans } = useHost();
  const reader = useReader(isOpen(run));
  const action = useAction();
  const state = stateOf(run, reader);
  const report = executed(run);
  return (
    <>
      <div className="jp-Schedule-title">
        <h2 className="jp-Schedule-state" data-role={state.role}>
          <Picture of={state.icon} />
          <span>{state.words}</span>
        </h2>
        <span className="jp-Schedule-quiet" title={reader.clock.both(run.scheduled_for)}>
          {[reader.clock.full(run.started_at ?? run.scheduled_for), isBad(run) ? took(run, trans) : ''].filter(Boolean).join(', ')}
        </span>
      </div>
      {run.progress && isOpen(run) && (
        <progress aria-label={trans.__('Cells done')} max={run.progress[1] || 1} value={run.progress[0]} />
      )}
      {isBad(run) ? <Failed run={run} go={go} action={action} /> : <Outcome run={run} />}
      <Actions run={run} go={go} refresh={refresh} action={action} />
      {action.problem && <ProblemBox problem={action.problem} />}
      {run.status === 'succeeded' && <RunFiles run={run} />}
      <Steps run={run} reader={reader} />
      <Log run={run} />
      {run.status !== 'succeeded' && <RunFiles run={run} />}
      {report && <ExecutedNotebook file={report} failed={isBad(run)} />}
      <Facts run={run} reader={reader} />
    </>
  );
}

/** One sentence about how it ended, unless the state says it all. */
function Outcome({ run }: { run: RunDetails }): ReactElement | null {
  if (!run.message || run.status === 'succeeded') {
    return run.notes.length ? <Notes notes={run.notes} /> : null;
  }
  return (
    <>
      <p className="jp-Schedule-cause">{cause(run)}</p>
      <Notes notes={run.notes} />
    </>
  );
}

/** The cause first, with the button that mends it when the mend is known, then the cell, then all the rest, folded. */
function Failed({ run, go, action }: { run: RunDetails; go(view: View): void; action: Action }): ReactElement {
  const { trans, openNotebook } = useHost();
  const { failure } = run;
  const mend = useMissingFile(run);
  const addAndRun = () =>
    action.run(async () => {
      const again = await mend!.apply();
      go({ at: 'run', run: again.run_id, schedule: run.schedule });
    });
  return (
    <section aria-live="assertive">
      <p className="jp-Schedule-cause">{cause(run) || trans.__('It ended without saying why. The log below may tell.')}</p>
      <Notes notes={run.notes} />
      {(mend || (failure?.cell && openNotebook)) && (
        <div className="jp-Schedule-actions jp-mod-start">
          {mend && (
            <Button primary onClick={addAndRun} title={mend.path}>
              {trans.__('Add the file and run again')}
            </Button>
          )}
          {failure?.cell && openNotebook && <OpenAtCell run={run} cell={failure.cell} />}
        </div>
      )}
      {failure?.source && (
        <figure className="jp-Schedule-cell">
          <figcaption>
            {failure.cell ? trans.__('cell %1', failure.cell) : trans.__('code')}
            {failure.line ? trans.__(', line %1', failure.line) : ''}
          </figcaption>
          <pre tabIndex={0} aria-label={trans.__('The failing cell')}>
            {failure.source.split('\n').map((line, index) => (
              <span key={index} data-failed={index + 1 === failure.line || undefined}>
                {line}
                {'\n'}
              </span>
            ))}
          </pre>
        </figure>
      )}
      {failure?.traceback && (
        <details>
          <summary>
            {trans._n('Full traceback, %1 line', 'Full traceback, %1 lines', failure.traceback.trim().split('\n').length)}
          </summary>
          <CopyButton text={failure.traceback} />
          <pre className="jp-Schedule-pre" tabIndex={0} aria-label={trans.__('Traceback')}>
            {failure.traceback}
          </pre>
        </details>
      )}
    </section>
  );
}

function OpenAtCell({ run, cell }: { run: RunDetails; cell: number }): ReactElement {
  const { api, trans, openNotebook } = useHost();
  const action = useAction();
  const open = () =>
    action.run(async () => {
      const schedule: Schedule = await api.schedule(run.schedule);
      if (schedule.form.notebook) {
        openNotebook!(schedule.form.notebook, cell);
      }
    });
  return <Button onClick={open}>{trans.__('Open at cell %1', cell)}</Button>;
}

function Notes({ notes }: { notes: readonly string[] }): ReactElement {
  return (
    <>
      {notes.map(note => (
        <p key={note} className="jp-Schedule-note">
          <Picture of="attention" />
          <span>{note}</span>
        </p>
      ))}
    </>
  );
}

interface ActionsProps {
  run: RunDetails;
  go(view: View): void;
  refresh(): void;
  action: Action;
}

function Actions({ run, go, refresh, action }: ActionsProps): ReactElement {
  const { api, trans, openReport, clock } = useHost();
  const report = executed(run);
  const [stopping, setStopping] = useState(false);
  const stop = () => {
    setStopping(true);
    action.run(async () => {
      await api.cancel(run.run_id).catch((error: unknown) => (setStopping(false), Promise.reject(error)));
      refresh();
    });
  };
  const again = () =>
    action.run(async () => go({ at: 'run', run: (await api.retry(run.run_id)).run_id, schedule: run.schedule }));
  if (isOpen(run)) {
    const asked = stopping || run.cancelled_by !== null;
    return (
      <div className="jp-Schedule-actions jp-mod-start">
        <Button aria-disabled={asked} onClick={() => !asked && stop()}>
          {asked ? trans.__('Stopping…') : trans.__('Stop')}
        </Button>
      </div>
    );
  }
  const title = `${run.schedule} · ${clock.full(run.scheduled_for)}`;
  return (
    <div className="jp-Schedule-actions jp-mod-start">
      {report && (
        <Button
          primary={run.status === 'succeeded'}
          onClick={() => (openReport ? openReport(title, report.url) : window.open(report.url, '_blank', 'noopener'))}
        >
          {trans.__('Open result')}
        </Button>
      )}
      {run.publication && (
        <a className="jp-Schedule-link" href={run.publication.url} target="_blank" rel="noopener noreferrer">
          {trans.__('Published files')}
        </a>
      )}
      <Button onClick={again}>{trans.__('Run again')}</Button>
    </div>
  );
}

function Steps({ run, reader }: { run: RunDetails; reader: Reader }): ReactElement | null {
  const all = steps(run, reader);
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
            <span className="jp-Schedule-quiet jp-Schedule-number">{step.seconds === null ? '' : duration(step.seconds)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Facts({ run, reader }: { run: RunDetails; reader: Reader }): ReactElement {
  const { trans, clock } = reader;
  const parameters = Object.entries(run.parameters).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return (
    <section>
      <h3>{trans.__('Details')}</h3>
      <dl className="jp-Schedule-facts">
        <dt>{trans.__('Due')}</dt>
        <dd>{clock.both(run.scheduled_for)}</dd>
        <dt>{trans.__('Why')}</dt>
        <dd>{[why(run, trans), ...parameters].join(' · ')}</dd>
        <dt>{trans.__('Code')}</dt>
        <dd>{trans.__('version %1, tarball %2', run.version, run.bundle.slice(0, 7))}</dd>
        <dt>{trans.__('Run')}</dt>
        <dd>
          <span className="jp-Schedule-code">{run.run_id.slice(0, 8)}</span> <CopyButton text={run.run_id} />
        </dd>
      </dl>
    </section>
  );
}
