/** A run that failed, and a notebook that was mended since: the schedule takes it as it is now, and runs. */
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';

import { asProblem } from '../../api/problem';
import type { Run, RunDetails, Schedule } from '../../api/schemas';
import { runEdited } from './useMissingFile';
import { Button } from '../common/controls';
import { useHost } from '../common/hostContext';
import type { Action } from '../common/useAction';

/** The schedule of a run that failed, if its notebook isn't any more what ran. */
export function useMendedNotebook(run: RunDetails, failed: boolean): Schedule | null {
  const { api, onSaved, watchUnsaved } = useHost();
  const [schedule, setSchedule] = useState<Schedule | null>(null);
  const [differs, setDiffers] = useState(false);
  const [unsaved, setUnsaved] = useState(false);
  const [saves, setSaves] = useState(0);
  const notebook = schedule?.form.notebook ?? null;
  useEffect(() => {
    if (!failed) {
      return;
    }
    const asking = new AbortController();
    const look = async () => {
      setSchedule(await api.schedule(run.schedule, asking.signal));
      const { state } = await api.difference(run.schedule, run.version, null, asking.signal);
      setDiffers(state === 'differs');
    };
    // without an answer nothing is offered
    look().catch(() => undefined);
    return () => asking.abort();
  }, [api, run.schedule, run.version, failed, saves]);
  useEffect(
    () => (notebook ? onSaved?.(notebook, () => setSaves(count => count + 1)) : undefined),
    [notebook, onSaved]
  );
  useEffect(() => (notebook ? watchUnsaved?.(notebook, setUnsaved) : undefined), [notebook, watchUnsaved]);
  return failed && (differs || unsaved) ? schedule : null;
}

interface Props {
  schedule: Schedule;
  action: Action;
  /** show the run that was started */
  opened(run: Run): void;
}

export function UpdateAndRun({ schedule, action, opened }: Props): ReactElement {
  const { api, trans, save } = useHost();
  const [confirm, setConfirm] = useState(false);
  const update = () =>
    action.run(async () => {
      const { name, form } = schedule;
      await save?.(form.notebook!);
      const { version } = await api.schedule(name);
      try {
        opened(await runEdited(api, await api.edit(name, {}, version, true, confirm)));
      } catch (error) {
        if (confirm || asProblem(error).code !== 'public_unconfirmed') {
          throw error;
        }
        setConfirm(true);
      }
    });
  return (
    <Button primary onClick={update}>
      {confirm ? trans.__('I checked what will be public: update and run') : trans.__('Update and run')}
    </Button>
  );
}
