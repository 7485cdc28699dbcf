/** Said on top of every view when nothing would start a run, or when runs depend on this server. */
import type { ReactElement } from 'react';

import type { Status } from '../../api/schemas';
import { CopyButton } from './controls';
import { useHost } from './hostContext';
import { Picture } from './Picture';

const INSTALL = 'jupyter schedule service install';
const RUN = 'python -m scheduler_service run';

/** `quiet` leaves out what is only good to know. */
export function Banner({ status, quiet }: { status: Status; quiet: boolean }): ReactElement | null {
  const { trans } = useHost();
  if (!status.ticking) {
    return (
      <BannerBox
        role="warning"
        text={
          status.hindrance ??
          trans.__(
            'The scheduler service isn’t running, so nothing will start. Missed times are caught up when it is back.'
          )
        }
      >
        <HowTo label={trans.__('How to start it')} status={status} />
      </BannerBox>
    );
  }
  if (status.hindrance) {
    return <BannerBox role="warning" text={status.hindrance} />;
  }
  if (status.embedded && !status.service_installed && !quiet) {
    return (
      <BannerBox role="muted" text={trans.__('Schedules run only while Jupyter runs.')}>
        <HowTo label={trans.__('Run in background')} status={status} />
      </BannerBox>
    );
  }
  return null;
}

function BannerBox({ role, text, children }: { role: string; text: string; children?: ReactElement }): ReactElement {
  return (
    <div className="jp-Schedule-banner" data-role={role} role={role === 'warning' ? 'alert' : 'note'}>
      <Picture of={role === 'warning' ? 'attention' : 'note'} />
      <div>
        <span>{text}</span> {children}
      </div>
    </div>
  );
}

function HowTo({ label, status }: { label: string; status: Status }): ReactElement {
  const { trans } = useHost();
  const command = status.service_installable ? INSTALL : RUN;
  return (
    <details>
      <summary>{label}</summary>
      <p>
        {status.service_installable
          ? trans.__('In a terminal on the machine where Jupyter runs, once:')
          : trans.__('In a terminal on the machine where Jupyter runs, and leave it open:')}
      </p>
      <div className="jp-Schedule-row">
        <code className="jp-Schedule-code">{command}</code>
        <CopyButton text={command} />
      </div>
      {status.embedded && <p>{trans.__('Or keep Jupyter running; it brings a scheduler of its own.')}</p>}
    </details>
  );
}
