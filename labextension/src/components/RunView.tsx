/** A run: did it work, why not, where is the result? */
import type { ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { Failure, Run, RunDetails } from '../api/shapes';
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
      <Spoken text={trans.__('Run of %1: %2', run.schedule, state.words)} />
      <Outcome run={run} />
      <Actions run={run} go={go} refresh={refresh} action={action} />
      {action.problem && <ProblemBox problem={action.problem} />}
      {run.failure && isBad(run) && <FailedCell failure={run.failure} />}
      {run.status === 'succeeded' && <RunFiles run={run} />}
      <Steps run={run} reader={reader} />
      <Log run={run} />
      {run.status !== 'succeeded' && <RunFiles run={run} />}
      {report && <ExecutedNotebook file={report} failed={isBad(run)} />}
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

/** The cause first: one line, unless the state says it all. */
function Outcome({ run }: { run: RunDetails }): ReactElement {
  const { trans } = useHost();
  const silent = trans.__('It ended without saying why. The log below may tell.');
  const sentence = run.status === 'succeeded' ? '' : cause(run) || (isBad(run) ? silent : '');
  return (
    <>
      {sentence && (
        <p className="jp-Schedule-cause" role={isBad(run) ? 'alert' : undefined}>
          {sentence}
        </p>
      )}
      {run.notes.map(note => (
        <p key={note} className="jp-Schedule-note">
          <Picture of="attention" />
          <span>{note}</span>
        </p>
      ))}
    </>
  );
}

/** The cell that raised, with its line, and the traceback folded. */
function FailedCell({ failure }: { failure: Failure }): ReactElement {
  const { trans } = useHost();
  const { cell, line: failed, source, traceback } = failure;
  return (
    <section>
      {source && (
        <figure className="jp-Schedule-cell">
          <figcaption>
            {cell ? trans.__('cell %1', cell) : trans.__('code')}
            {failed ? trans.__(', line %1', failed) : ''}
          </figcaption>
          <pre tabIndex={0} aria-label={trans.__('The failing cell')}>
            {source.split('\n').map((line, index) => (
              <span key={index} data-failed={index + 1 === failed || undefined}>
                {line || ' '}
              </span>
            ))}
          </pre>
        </figure>
      )}
      {traceback && (
        <details>
          <summary>
            {trans._n('Full traceback, %1 line', 'Full traceback, %1 lines', traceback.trim().split('\n').length)}
          </summary>
          <CopyButton text={traceback} />
          <pre className="jp-Schedule-pre" tabIndex={0} aria-label={trans.__('Traceback')}>
            {traceback}
          </pre>
        </details>
      )}
    </section>
  );
}

/** Opens the notebook where it failed. */
function OpenAtCell({ run, primary }: { run: RunDetails; primary: boolean }): ReactElement | null {
  const { api, trans, openNotebook } = useHost();
  const action = useAction();
  const cell = isBad(run) ? run.failure?.cell : null;
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
function StopButton({ run, action, refresh }: Omit<ActionsProps, 'go'>): ReactElement {
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
  go(view: View): void;
  refresh(): void;
  action: Action;
}

/** What can be done next, the likeliest first: the known mend, the failing cell, the result. */
function Actions({ run, go, refresh, action }: ActionsProps): ReactElement {
  const { api, trans, openReport, clock } = useHost();
  const mend = useMissingFile(run);
  const report = executed(run);
  if (isOpen(run)) {
    return <StopButton run={run} action={action} refresh={refresh} />;
  }
  const start = (work: () => Promise<Run>) => () =>
    action.run(async () => go({ at: 'run', run: (await work()).run_id, schedule: run.schedule }));
  const title = `${run.schedule} · ${clock.full(run.scheduled_for)}`;
  const good = run.status === 'succeeded';
  const open = (url: string) => (openReport ? openReport(title, url) : void window.open(url, '_blank', 'noopener'));
  return (
    <div className="jp-Schedule-actions jp-mod-start">
      {mend && (
        <Button primary onClick={start(mend.apply)} title={mend.path}>
          {trans.__('Add the file and run again')}
        </Button>
      )}
      <OpenAtCell run={run} primary={!mend} />
      {report && good && (
        <Button primary onClick={() => open(report.url)}>
          {trans.__('Open result')}
        </Button>
      )}
      {run.publication && (
        <a className="jp-Schedule-link" href={run.publication.url} target="_blank" rel="noopener noreferrer">
          {trans.__('Published files')}
        </a>
      )}
      <Button onClick={start(() => api.retry(run.run_id))}>{trans.__('Run again')}</Button>
      {report && !good && <Button onClick={() => open(report.url)}>{trans.__('Open notebook as run')}</Button>}
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
