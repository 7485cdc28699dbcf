/** Results that were kept from the public: the findings, and a person's approval all the same. */
import type { ReactElement } from 'react';
import { useState } from 'react';

import type { Run, RunDetails } from '../../api/schemas';
import { Button } from '../common/controls';
import { Field } from '../common/fields';
import { useHost } from '../common/hostContext';
import type { Action } from '../common/useAction';

const SHOWN = 10;

interface Props {
  run: RunDetails;
  action: Action;
  /** show the run that publishes it */
  opened(run: Run): void;
}

export function Approval({ run, action, opened }: Props): ReactElement | null {
  const { api, trans } = useHost();
  const [reason, setReason] = useState('');
  if (!run.releasable) {
    return null;
  }
  const held = run.reason === 'disclosure';
  const others = Math.max(0, run.findings.length - SHOWN) + run.more_findings;
  const approve = (decision: { reason: string | null; without_hover_data: boolean }) =>
    action.run(async () => opened(await api.approve(run.run_id, decision)));
  const publish = () => approve({ reason: held ? reason : null, without_hover_data: false });
  const publishWithoutHoverData = () => approve({ reason: null, without_hover_data: true });
  return (
    <section>
      <h3>{held ? trans.__('Kept from the public') : trans.__('Not public yet')}</h3>
      {run.findings.length > 0 && (
        <ul>
          {run.findings.slice(0, SHOWN).map((finding, place) => (
            <li key={place}>{finding.message}</li>
          ))}
          {others > 0 && <li>{trans.__('And %1 more.', others)}</li>}
        </ul>
      )}
      {held && (
        <Field
          label={trans.__('Why they may be public')}
          help={trans.__('Recorded with your name. Without a reason, mend the notebook and run it again.')}
        >
          {described => (
            <input {...described} type="text" value={reason} onChange={event => setReason(event.target.value)} />
          )}
        </Field>
      )}
      <div className="jp-Schedule-actions jp-mod-start">
        {run.only_hover_data && (
          <Button
            onClick={publishWithoutHoverData}
            title={trans.__('All of it is what charts show at the pointer. Copies without that are checked again.')}
          >
            {trans.__('Publish without hover data')}
          </Button>
        )}
        <Button onClick={publish}>{held ? trans.__('Publish anyway') : trans.__('Publish these results')}</Button>
      </div>
    </section>
  );
}
