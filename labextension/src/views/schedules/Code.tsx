/** The code that a schedule runs, its difference from the notebook of now, and the buttons that change it. */
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';

import type { Schedule } from '../../api/schemas';
import { namePerson } from '../../model/runs';
import { describeDifference } from '../../model/versions';
import { Button, TextButton, ViewLink } from '../common/controls';
import { useHost } from '../common/hostContext';
import { Picture } from '../common/Picture';
import { useDifference } from './useDifference';
import type { PanelControls } from './useScheduleActions';

export function Code({
  schedule,
  panel,
  refresh
}: {
  schedule: Schedule;
  panel: PanelControls;
  refresh(): void;
}): ReactElement {
  const { api, trans, clock, save } = useHost();
  const { name, version, bundle } = schedule;
  const { notebook } = schedule.form;
  // Whether it differs is good to know; where that can't be told, the rest of the page is no worse for it.
  const { difference: drift } = useDifference(schedule, { before: version, after: null });
  const unsaved = useUnsaved(notebook);
  const renew = () =>
    panel.action.run(async () => {
      await save?.(notebook!);
      await api.edit(name, {}, version, true);
      refresh();
    });
  const words = drift && drift.state !== 'none' ? describeDifference(drift, trans) : '';
  const differs = drift?.state === 'differs';
  return (
    <section>
      <div className="jp-Schedule-title">
        <h3>{trans.__('Code')}</h3>
        {notebook && !differs && drift?.state !== 'gone' && (
          <TextButton onClick={renew}>{trans.__('Use the notebook as it is now')}</TextButton>
        )}
      </div>
      {differs ? (
        <div className="jp-Schedule-box" data-role="warning">
          <Picture of="attention" />
          <div>
            <p>{trans.__('The notebook has changed since it was scheduled: %1', words)}</p>
            <div className="jp-Schedule-actions jp-mod-start">
              <Button className="jp-mod-small" onClick={() => panel.go({ at: 'versions', schedule: name })}>
                {trans.__('See the difference')}
              </Button>
              <Button className="jp-mod-small" onClick={renew}>
                {trans.__('Update the schedule')}
              </Button>
            </div>
          </div>
        </div>
      ) : (
        words && (
          <p className={drift?.state === 'same' ? 'jp-Schedule-quiet' : 'jp-Schedule-note'}>
            {drift?.state !== 'same' && <Picture of="attention" />}
            <span>{words}</span>
          </p>
        )
      )}
      {unsaved && <p className="jp-Schedule-quiet">{trans.__('Its unsaved edits aren’t compared.')}</p>}
      <p className="jp-Schedule-quiet" title={trans.__('tarball %1', bundle.slice(0, 7))}>
        {trans.__(
          'Version %1, saved %2 by %3',
          version,
          clock.full(schedule.changed_at),
          namePerson(schedule.changed_by, trans)
        )}
        {' · '}
        <ViewLink view={{ at: 'versions', schedule: name }} go={panel.go}>
          {trans.__('All versions')}
        </ViewLink>
      </p>
    </section>
  );
}

/** True while the notebook has unsaved edits. */
function useUnsaved(notebook: string | null): boolean {
  const { watchUnsaved } = useHost();
  const [unsaved, setUnsaved] = useState(false);
  useEffect(() => (notebook ? watchUnsaved?.(notebook, setUnsaved) : undefined), [notebook, watchUnsaved]);
  return unsaved;
}
