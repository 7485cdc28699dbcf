/** Somebody else saved the schedule that is being edited: what they changed, and whose it shall be. */
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';

import type { Schedule } from '../../api/schemas';
import { listChanges } from '../../model/changes';
import { Button } from '../common/controls';
import { ProblemBox } from '../common/messages';
import { useHost } from '../common/hostContext';

interface Props {
  /** as it was when the form was opened */
  editing: Schedule;
  takeTheirs(): void;
  keepMine(): void;
}

export function ChangedElsewhere({ editing, takeTheirs, keepMine }: Props): ReactElement {
  const { api, trans, clock } = useHost();
  const [theirs, setTheirs] = useState<Schedule | null>(null);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const asking = new AbortController();
    api.schedule(editing.name, asking.signal).then(setTheirs, () => undefined);
    return () => asking.abort();
  }, [api, editing.name]);
  const text = theirs
    ? trans.__('This schedule was changed elsewhere at %1.', clock.time(theirs.changed_at))
    : trans.__('This schedule was changed elsewhere.');
  return (
    <ProblemBox problem={text}>
      {shown && theirs && <Changes before={editing} after={theirs} />}
      {shown ? (
        <Button onClick={takeTheirs}>{trans.__('Take theirs')}</Button>
      ) : (
        <Button onClick={() => setShown(true)}>{trans.__('See the change')}</Button>
      )}
      <Button onClick={keepMine}>{trans.__('Keep mine')}</Button>
    </ProblemBox>
  );
}

function Changes({ before, after }: { before: Schedule; after: Schedule }): ReactElement {
  const { trans } = useHost();
  const changes = listChanges(before, after, trans);
  return (
    <dl className="jp-Schedule-facts">
      {changes.map(({ label, was, now }) => [
        <dt key={label}>{label}</dt>,
        <dd key={`${label} now`}>{trans.__('%1, was %2', now, was)}</dd>
      ])}
      {changes.length === 0 && <dd>{trans.__('It was paused or resumed; the form is the same.')}</dd>}
    </dl>
  );
}
