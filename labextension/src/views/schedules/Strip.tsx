/** Past runs as marks: their colour and picture the state, their height the duration. */
import type { KeyboardEvent, ReactElement } from 'react';

import type { Run } from '../../api/schemas';
import { drawMarks, describeStrip } from '../../model/scheduleList';
import type { Reader } from '../../model/runs';
import { Picture } from '../common/Picture';

interface Props {
  /** the newest first */
  runs: readonly Run[];
  /** marks at most */
  most: number;
  reader: Reader;
  /** opens a mark's run; without it the strip is a picture */
  open?(run: Run): void;
}

export function Strip({ runs, most, reader, open }: Props): ReactElement | null {
  const drawn = drawMarks(runs, most, reader);
  if (drawn.length === 0) {
    return null;
  }
  const text = describeStrip(runs, most, reader);
  if (!open) {
    return (
      <span className="jp-Schedule-strip" role="img" aria-label={text}>
        {drawn.map(mark => (
          <Bar key={mark.run.run_id} height={mark.height} role={mark.role} failed={mark.icon === 'failed'} />
        ))}
      </span>
    );
  }
  return (
    <div className="jp-Schedule-strip jp-mod-large" role="group" aria-label={text} onKeyDown={walk}>
      {drawn.map((mark, place) => (
        <button
          key={mark.run.run_id}
          type="button"
          tabIndex={place === drawn.length - 1 ? 0 : -1}
          title={mark.label}
          aria-label={mark.label}
          onClick={() => open(mark.run)}
        >
          <Bar height={mark.height} role={mark.role} failed={mark.icon === 'failed'} />
        </button>
      ))}
    </div>
  );
}

function Bar({ height, role, failed }: { height: number; role: string; failed: boolean }): ReactElement {
  return (
    <span className="jp-Schedule-bar" data-role={role}>
      {failed ? <Picture of="failed" /> : <span style={{ blockSize: `${Math.round(height * 100)}%` }} />}
    </span>
  );
}

/** One stop in the tab order; the arrow keys go from mark to mark. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) {
    return;
  }
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  const next = buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}
