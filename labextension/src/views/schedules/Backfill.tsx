/** Runs for days that have passed: which, how many in parallel, what that makes, and the button that starts them. */
import type { ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { BackfillResult } from '../../api/schemas';
import type { Problem } from '../../api/problem';
import { asProblem, isAbort } from '../../api/problem';
import type { DayRange } from '../../model/calendar';
import { isRange, describePlan } from '../../model/calendar';
import type { TranslationBundle } from '../../model/translation';
import { Button, TextButton } from '../common/controls';
import { ProblemBox, Waiting } from '../common/messages';
import { Field } from '../common/fields';
import { useHost } from '../common/hostContext';
import { useAction } from '../common/useAction';

/** milliseconds without another change before the server is asked what would happen */
const PAUSE = 200;
const MOST_PARALLEL = 16;

interface Props {
  name: string;
  today: string;
  picked: DayRange | null;
  setPicked(picked: DayRange | null): void;
  /** runs of backfills that wait or go */
  open: number;
  changed(): void;
}

export function Backfill({ name, today, picked, setPicked, open, changed }: Props): ReactElement {
  const { api, trans, clock } = useHost();
  const action = useAction();
  const [parallel, setParallel] = useState('1');
  const [again, setAgain] = useState(false);
  const [sure, setSure] = useState(false);
  const [said, setSaid] = useState('');
  const { plan, problem } = usePlan(name, isRange(picked, today) ? picked : null, Number(parallel), again);
  useEffect(() => {
    setSure(false);
    setSaid('');
  }, [plan]);
  const went = useRef(false);
  useEffect(() => {
    // what was said of runs that wait isn't so any more
    if (went.current && open === 0) {
      setSaid('');
    }
    went.current = open > 0;
  }, [open]);
  if (!picked) {
    return (
      <p className="jp-Schedule-quiet">
        {trans.__('Pick a day, or the first and the last of a stretch, to run them.')}
      </p>
    );
  }
  const start = () =>
    action.run(async () => {
      const { runs } = await api.backfill(name, { ...toRequest(picked, Number(parallel), again), confirmed: sure });
      setSaid(trans._n('%1 run queued.', '%1 runs queued.', runs));
      changed();
    });
  const ready = plan !== null && plan.runs > 0 && !said && (!plan.confirm || sure);
  const day = (which: 'from' | 'to', label: string) => (
    <Field label={label}>
      {described => (
        <input
          {...described}
          type="date"
          className="jp-mod-styled"
          max={today}
          value={picked[which]}
          onChange={event => setPicked({ ...picked, [which]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <section className="jp-Schedule-backfill" aria-label={trans.__('Run past days')}>
      <div className="jp-Schedule-range">
        {day('from', trans.__('From'))}
        {day('to', trans.__('To'))}
        <Field label={trans.__('Runs in parallel')}>
          {described => (
            <input
              {...described}
              type="number"
              className="jp-mod-styled"
              min={1}
              max={MOST_PARALLEL}
              value={parallel}
              onChange={event => setParallel(event.target.value)}
            />
          )}
        </Field>
      </div>
      <label className="jp-Schedule-check">
        <input type="checkbox" checked={again} onChange={event => setAgain(event.target.checked)} />
        <span>{trans.__('Also the times that have succeeded')}</span>
      </label>
      {problem && <ProblemBox problem={problem} />}
      {!problem && !plan && isRange(picked, today) && <Waiting />}
      {!isRange(picked, today) && (
        <ProblemBox problem={trans.__('Choose a first day that has come, and a last day that isn’t before it.')} />
      )}
      {plan && <p role="status">{said || describePlan(plan, Number(parallel), clock, trans)}</p>}
      {plan?.confirm && !said && (
        <label className="jp-Schedule-check">
          <input type="checkbox" checked={sure} onChange={event => setSure(event.target.checked)} />
          <span>{trans.__('I want all %1 runs', plan.runs.toLocaleString('en'))}</span>
        </label>
      )}
      {action.problem && <ProblemBox problem={action.problem} />}
      <div className="jp-Schedule-actions jp-mod-start">
        {plan !== null && plan.runs > 0 && !said && (
          <Button primary aria-disabled={!ready || action.busy} onClick={() => ready && start()}>
            {action.busy ? trans.__('Starting…') : labelStartButton(plan.runs, trans)}
          </Button>
        )}
        <TextButton onClick={() => setPicked(null)}>{said ? trans.__('Done') : trans.__('Clear')}</TextButton>
      </div>
    </section>
  );
}

function labelStartButton(runs: number, trans: TranslationBundle): string {
  return runs === 1 ? trans.__('Start 1 run') : trans.__('Start %1 runs', runs.toLocaleString('en'));
}

function toRequest({ from, to }: DayRange, parallel: number, again: boolean) {
  return { first_day: from, last_day: to, parallel, again };
}

/** The plan, asked for a moment after the last change; null until it is known. */
function usePlan(
  name: string,
  picked: DayRange | null,
  parallel: number,
  again: boolean
): { plan: BackfillResult | null; problem: Problem | null } {
  const { api } = useHost();
  const [answer, setAnswer] = useState<{ plan: BackfillResult | null; problem: Problem | null }>({
    plan: null,
    problem: null
  });
  const { from = '', to = '' } = picked ?? {};
  useEffect(() => {
    setAnswer({ plan: null, problem: null });
    if (!from || !to) {
      return;
    }
    const stopped = new AbortController();
    const timer = setTimeout(() => {
      api.backfill(name, { ...toRequest({ from, to }, parallel, again), dry_run: true }, stopped.signal).then(
        plan => setAnswer({ plan, problem: null }),
        (error: unknown) => isAbort(error) || setAnswer({ plan: null, problem: asProblem(error) })
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [api, name, from, to, parallel, again]);
  return answer;
}
