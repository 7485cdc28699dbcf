/** A schedule's versions: who saved which and when, what differs between any two, and the way back. */
import type { ReactElement } from 'react';
import { useState } from 'react';

import { asProblem } from '../../api/problem';
import type { Schedule, Version } from '../../api/schemas';
import type { Side } from '../../model/versions';
import { chooseSides } from '../../model/versions';
import { namePerson } from '../../model/runs';
import { Button, TextButton } from '../common/controls';
import { LiveProblem, ProblemBox, Waiting } from '../common/messages';
import { Field } from '../common/fields';
import { DifferenceView } from './DifferenceView';
import { useHost } from '../common/hostContext';
import { useDifference } from './useDifference';
import { useLive } from '../common/useLive';
import type { PanelControls } from './useScheduleActions';

import '../../../style/versions.css';

export function Versions({ name, panel }: { name: string; panel: PanelControls }): ReactElement {
  const { api } = useHost();
  const live = useLive(
    `versions ${name}`,
    async signal => {
      const [schedule, versions] = await Promise.all([api.schedule(name, signal), api.versions(name, signal)]);
      return { schedule, versions };
    },
    () => false
  );
  if (!live.value) {
    return <div className="jp-Schedule-page">{live.problem ? <ProblemBox problem={live.problem} /> : <Waiting />}</div>;
  }
  const { schedule, versions } = live.value;
  return (
    <div className="jp-Schedule-page">
      <LiveProblem live={live} />
      <Compared schedule={schedule} versions={versions} panel={panel} refresh={live.refresh} />
    </div>
  );
}

interface ComparedProps {
  schedule: Schedule;
  /** the newest first */
  versions: readonly Version[];
  panel: PanelControls;
  refresh(): void;
}

function Compared({ schedule, versions, panel, refresh }: ComparedProps): ReactElement {
  const { api, trans, clock, save } = useHost();
  const { name, version, form } = schedule;
  // another version starts the comparison afresh
  const [chosen, setChosen] = useState<{ at: number; sides: Side }>();
  const sides = chosen?.at === version ? chosen.sides : chooseSides(versions, form.notebook !== null);
  const setSides = (sides: Side) => setChosen({ at: version, sides });
  const { difference, problem } = useDifference(schedule, sides);
  const update = () =>
    panel.action.run(async () => {
      await save?.(form.notebook!);
      await api.edit(name, {}, version, true);
      refresh();
    });
  /** the version that would make public what isn't now, with what that means */
  const [wider, setWider] = useState<{ to: number; meaning: string } | null>(null);
  const back = (to: number, confirmed = false) =>
    panel.action.run(async () => {
      setWider(null);
      const now = await api.rollback(name, to, version, confirmed).catch((error: unknown) => asWider(error, to));
      if (!now) {
        return;
      }
      panel.undo.offer({
        text: trans.__('Version %1 does what version %2 did.', now.version, to),
        // what was public a moment ago was confirmed then
        undo: () =>
          panel.action.run(
            async () => (await api.rollback(name, version, now.version, form.visibility === 'public'), refresh())
          )
      });
      refresh();
    });
  const asWider = (error: unknown, to: number) => {
    const problem = asProblem(error);
    if (problem.code !== 'public_unconfirmed') {
      throw problem;
    }
    setWider({ to, meaning: problem.message });
    return null;
  };
  const outdated = sides.after === null && sides.before === version && difference?.state === 'differs';
  return (
    <>
      <section>
        <h2>{trans.__('Compare')}</h2>
        <div className="jp-Schedule-range">
          <Choice
            label={trans.__('From')}
            value={sides.before}
            versions={versions}
            set={before => setSides({ ...sides, before: before! })}
          />
          <Choice
            label={trans.__('To')}
            value={sides.after}
            versions={versions}
            notebook={form.notebook !== null}
            set={after => setSides({ ...sides, after })}
          />
        </div>
        {problem && <ProblemBox problem={problem} />}
        {!problem && !difference && <Waiting />}
        {difference && <DifferenceView difference={difference} />}
        {outdated && (
          <div className="jp-Schedule-actions jp-mod-start">
            <Button primary onClick={update}>
              {trans.__('Update the schedule')}
            </Button>
          </div>
        )}
      </section>
      <section>
        <h2>{trans.__('Versions')}</h2>
        <ul className="jp-Schedule-versions" aria-label={trans.__('Versions')}>
          {versions.map(each => (
            <li key={each.version}>
              <span>
                {each.version === version
                  ? trans.__('Version %1, in use', each.version)
                  : trans.__('Version %1', each.version)}
              </span>
              <span className="jp-Schedule-quiet" title={clock.both(each.created_at)}>
                {trans.__('%1 by %2', clock.full(each.created_at), namePerson(each.author, trans))}
              </span>
              {each.version !== version && (
                <span className="jp-Schedule-row">
                  <TextButton
                    aria-label={trans.__('Compare version %1 with the one in use', each.version)}
                    onClick={() => setSides({ before: each.version, after: version })}
                  >
                    {trans.__('Compare')}
                  </TextButton>
                  <TextButton
                    aria-label={trans.__('Go back to version %1', each.version)}
                    onClick={() => back(each.version)}
                  >
                    {trans.__('Go back to it')}
                  </TextButton>
                </span>
              )}
              {wider?.to === each.version && (
                <ProblemBox problem={wider.meaning}>
                  <Button className="jp-mod-small" onClick={() => back(each.version, true)}>
                    {trans.__('I checked it: publish')}
                  </Button>
                  <Button className="jp-mod-small" onClick={() => setWider(null)}>
                    {trans.__('Cancel')}
                  </Button>
                </ProblemBox>
              )}
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

interface ChoiceProps {
  label: string;
  /** null is the notebook */
  value: number | null;
  versions: readonly Version[];
  /** the notebook can be chosen too */
  notebook?: boolean;
  set(value: number | null): void;
}

function Choice({ label, value, versions, notebook = false, set }: ChoiceProps): ReactElement {
  const { trans } = useHost();
  return (
    <Field label={label}>
      {described => (
        <select
          {...described}
          className="jp-mod-styled"
          value={value ?? ''}
          onChange={event => set(event.target.value ? Number(event.target.value) : null)}
        >
          {notebook && <option value="">{trans.__('The notebook now')}</option>}
          {versions.map(({ version }) => (
            <option key={version} value={version}>
              {trans.__('Version %1', version)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
