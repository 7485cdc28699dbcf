/** The whole panel: where one is, what is said above every view, and the view itself. */
import type { ReactElement, ReactNode } from 'react';
import { Suspense, lazy, useCallback, useEffect, useMemo, useRef, useState } from 'react';

import type { Run, Schedule } from '../api/schemas';
import { isOpen, findNewest } from '../model/runs';
import type { View } from '../model/views';
import { baseName } from '../model/views';
import { Banner } from './common/Banner';
import { Button, copyText, ViewLink } from './common/controls';
import { ProblemBox, Waiting } from './common/messages';
import type { Host } from './common/hostContext';
import { HostProvider, VisibleProvider, useHost } from './common/hostContext';
import { Picture } from './common/Picture';
import { ScheduleForm } from './form/ScheduleForm';
import { useAction } from './common/useAction';
import { useFocusKept } from './common/useFocusKept';
import { useLive } from './common/useLive';
import type { PanelControls as PanelTools } from './schedules/useScheduleActions';
import { useUndo } from './common/useUndo';

// The form is what most open the panel for; every other view is loaded when somebody comes to it.
const ScheduleList = lazy(() =>
  import('./schedules/ScheduleList').then(({ ScheduleList }) => ({ default: ScheduleList }))
);
const History = lazy(() => import('./schedules/History').then(({ History }) => ({ default: History })));
const Versions = lazy(() => import('./schedules/Versions').then(({ Versions }) => ({ default: Versions })));
const RunView = lazy(() => import('./runs/RunView').then(({ RunView }) => ({ default: RunView })));

export interface PanelProps {
  host: Host;
  view: View;
  go(view: View): void;
  visible: boolean;
  /** the notebook that is open in front */
  notebook: string | null;
}

export function Panel({ host, visible, ...rest }: PanelProps): ReactElement {
  return (
    <HostProvider value={host}>
      <VisibleProvider value={visible}>
        <Views {...rest} />
      </VisibleProvider>
    </HostProvider>
  );
}

function Views({ view, go, notebook }: Omit<PanelProps, 'host' | 'visible'>): ReactElement {
  const { api } = useHost();
  const action = useAction();
  const undo = useUndo();
  const [seen, setSeen] = useState<Run | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const status = useLive(
    'status',
    signal => api.status(signal),
    ({ ticking }) => !ticking
  );
  const schedules = useLive(
    view.at === 'list' ? 'schedules' : 'none',
    signal => (view.at === 'list' ? api.schedules(signal) : Promise.resolve([])),
    found => found.some(({ last_runs }) => last_runs.some(isOpen))
  );
  const hide = useCallback(
    (name: string, hide: boolean) =>
      setHidden(old => new Set(hide ? [...old, name] : [...old].filter(other => other !== name))),
    []
  );
  const { refresh } = schedules;
  const panel: PanelTools = useMemo(() => ({ go, undo, action, hide, refresh }), [go, undo, action, hide, refresh]);
  const { clear } = action;
  useEffect(clear, [view, clear]);
  const frame = useFocusKept();
  return (
    <div ref={frame} className="jp-Schedule" data-view={view.at} tabIndex={-1}>
      <Header view={view} go={go} run={view.at === 'run' && seen?.run_id === view.run ? seen : null} />
      {status.value && <Banner status={status.value} quiet={view.at === 'run'} />}
      {action.problem && <ProblemBox problem={action.problem} />}
      {view.at === 'form' && <FormView key={JSON.stringify(view)} view={view} panel={panel} />}
      {view.at === 'run' && view.created && (
        <Created schedule={view.schedule!} first={seen?.run_id === view.run ? seen : null} panel={panel} />
      )}
      <Suspense fallback={<Waiting />}>
        {view.at === 'list' && (
          <ScheduleList
            schedules={schedules}
            hidden={hidden}
            chip={view.chip ?? 'all'}
            panel={panel}
            notebook={notebook}
            create={() => go({ at: 'form', notebook })}
          />
        )}
        {view.at === 'history' && <History key={view.schedule} name={view.schedule} panel={panel} />}
        {view.at === 'versions' && <Versions key={view.schedule} name={view.schedule} panel={panel} />}
        {view.at === 'run' && <RunView key={view.run} id={view.run} go={go} seen={setSeen} />}
      </Suspense>
      {undo.bar}
    </div>
  );
}

/** Breadcrumb: Schedules › bikes_report › Run. */
function Header({ view, go, run }: { view: View; go(view: View): void; run: Run | null }): ReactElement {
  const { trans, linkTo, move } = useHost();
  const crumbs: ReactNode[] = [];
  if (view.at !== 'list') {
    crumbs.push(
      <ViewLink key="list" view={{ at: 'list' }} go={go}>
        {trans.__('Schedules')}
      </ViewLink>
    );
  }
  const name =
    view.at === 'run'
      ? (run?.schedule ?? view.schedule)
      : view.at === 'form' || view.at === 'versions'
        ? view.schedule
        : undefined;
  if (name) {
    crumbs.push(
      <ViewLink key="schedule" view={{ at: 'history', schedule: name }} go={go}>
        {name}
      </ViewLink>
    );
  }
  crumbs.push(
    <span key="here" aria-current="page">
      {hereName(view, trans)}
    </span>
  );
  return (
    <div className="jp-Schedule-header">
      <nav aria-label={trans.__('Where you are')}>
        <ol>
          {crumbs.map((crumb, place) => (
            <li key={place}>{crumb}</li>
          ))}
        </ol>
      </nav>
      {linkTo && <LinkButton key={linkTo(view)} link={linkTo(view)} />}
      {move && <IconButton picture="move" label={trans.__('Move to the main area, or back')} onClick={move} />}
    </div>
  );
}

function LinkButton({ link }: { link: string }): ReactElement {
  const { trans } = useHost();
  const [copied, setCopied] = useState(false);
  const copy = () => void copyText(link).then(() => setCopied(true));
  return (
    <IconButton
      picture={copied ? 'succeeded' : 'link'}
      label={copied ? trans.__('Copied') : trans.__('Copy link')}
      onClick={copy}
    />
  );
}

function IconButton(props: { picture: 'move' | 'link' | 'succeeded'; label: string; onClick(): void }): ReactElement {
  const { picture, label, onClick } = props;
  return (
    <button type="button" className="jp-Schedule-iconButton" aria-label={label} title={label} onClick={onClick}>
      <Picture of={picture} />
    </button>
  );
}

function hereName(view: View, trans: Host['trans']): string {
  switch (view.at) {
    case 'list':
      return trans.__('Schedules');
    case 'history':
      return view.schedule;
    case 'versions':
      return trans.__('Versions');
    case 'run':
      return trans.__('Run');
    case 'form':
      if (view.schedule) {
        return trans.__('Edit');
      }
      return view.notebook ? trans.__('Schedule %1', baseName(view.notebook)) : trans.__('New schedule');
  }
}

/** A new schedule's form, or that of one which is loaded first: to be changed, or to be copied. */
function FormView({ view, panel }: { view: Extract<View, { at: 'form' }>; panel: PanelTools }): ReactElement {
  const { api, trans, browse, uploads } = useHost();
  const other = view.schedule ?? view.from;
  const [loaded, setLoaded] = useState<Schedule | null>(null);
  const { run, problem } = useAction();
  const load = useRef(run);
  useEffect(() => {
    if (other) {
      load.current(async () => setLoaded(await api.schedule(other)));
    }
  }, [api, other]);
  if (other && !loaded) {
    return <div className="jp-Schedule-page">{problem ? <ProblemBox problem={problem} /> : <Waiting />}</div>;
  }
  const notebook = loaded?.form.notebook ?? view.notebook;
  if (!notebook && !view.tarball && !loaded?.form.tarball) {
    return (
      <div className="jp-Schedule-page jp-Schedule-empty">
        <p className="jp-Schedule-lead">{trans.__('Open a notebook to schedule it.')}</p>
        {browse && (
          <Button primary onClick={browse}>
            {trans.__('Browse notebooks')}
          </Button>
        )}
        {uploads && (
          <Button onClick={() => panel.go({ at: 'form', notebook: null, tarball: true })}>
            {trans.__('Schedule a code tarball')}
          </Button>
        )}
      </div>
    );
  }
  const done = (schedule: Schedule) => {
    const first = findNewest(schedule);
    panel.refresh();
    panel.go(
      view.schedule === undefined && first
        ? { at: 'run', run: first.run_id, schedule: schedule.name, created: true }
        : { at: 'history', schedule: schedule.name }
    );
  };
  const back = () => panel.go(other ? { at: 'history', schedule: other } : { at: 'list' });
  return (
    <ScheduleForm
      notebook={notebook}
      editing={view.schedule ? loaded! : undefined}
      presets={view.from ? { ...loaded!.form, name: '' } : undefined}
      focus={view.field}
      saved={view.saved}
      done={done}
      cancel={back}
    />
  );
}

interface CreatedProps {
  schedule: string;
  /** its first run, as far as it is known */
  first: Run | null;
  panel: PanelTools;
}

/** The result of *Schedule*, with its undo; it says only what still is so. */
function Created({ schedule: name, first, panel }: CreatedProps): ReactElement | null {
  const { api, trans, clock } = useHost();
  const { value: schedule } = useLive(
    `created ${name} ${first && !isOpen(first)}`,
    signal => api.schedule(name, signal),
    () => false
  );
  if (!schedule) {
    return null;
  }
  const next = schedule.next_due ? trans.__('Next: %1 your time.', clock.full(schedule.next_due)) : '';
  const undo = () =>
    panel.action.run(async () => {
      await api.remove(name);
      panel.go({ at: 'list' });
    });
  return (
    <div className="jp-Schedule-banner" data-role="success" role="status">
      <div>
        <span>
          {describeCreated(schedule, first, trans)} {next}
        </span>{' '}
        <Button className="jp-mod-small" onClick={undo}>
          {trans.__('Undo')}
        </Button>
      </div>
    </div>
  );
}

/** What became of *Schedule*: while the first run goes, that; then whether the schedule has started. */
function describeCreated({ state }: Schedule, first: Run | null, trans: Host['trans']): string {
  const goes = first === null || isOpen(first);
  if (state === 'ended') {
    return goes ? trans.__('Started.') : trans.__('Ran once.');
  }
  if (state !== 'rehearsing') {
    return goes ? trans.__('Scheduled. First run started.') : trans.__('Scheduled.');
  }
  return goes
    ? trans.__('Scheduled. First run started; the schedule starts when it succeeds.')
    : trans.__('On hold: the schedule starts when a run succeeds.');
}
