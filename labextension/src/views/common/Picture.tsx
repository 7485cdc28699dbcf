/** Small pictures, drawn in the colour of the text beside them, which says the same; no LabIcon, as not every host has it. */
import type { ReactElement } from 'react';

import type { Icon, State } from '../../model/runs';

const RING = <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" />;

const PICTURES: Record<Icon, ReactElement> = {
  waiting: RING,
  launching: (
    <>
      {RING}
      <path d="M8 8V3.5A4.5 4.5 0 0 1 12.5 8Z" fill="currentColor" />
    </>
  ),
  running: (
    <>
      {RING}
      <path d="M8 3.5a4.5 4.5 0 0 1 0 9Z" fill="currentColor" />
    </>
  ),
  publishing: (
    <>
      {RING}
      <path d="M8 8H3.5A4.5 4.5 0 1 0 8 3.5Z" fill="currentColor" />
    </>
  ),
  succeeded: <path d="m2.75 8.5 3.5 3.5 7-7.5" fill="none" stroke="currentColor" strokeWidth="2" />,
  failed: <path d="m3.5 3.5 9 9m0-9-9 9" fill="none" stroke="currentColor" strokeWidth="2" />,
  timed_out: (
    <path
      d="M4 2.5h8M4 13.5h8M5 3c0 3 3 3.5 3 5s-3 2-3 5M11 3c0 3-3 3.5-3 5s3 2 3 5"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
    />
  ),
  stopped: <rect x="3.5" y="3.5" width="9" height="9" rx="1" fill="currentColor" />,
  skipped: <path d="M3 8h10" fill="none" stroke="currentColor" strokeWidth="2" />,
  paused: <path d="M5.5 3.5v9m5-9v9" fill="none" stroke="currentColor" strokeWidth="2" />
};

const OTHERS = {
  attention: (
    <path d="M8 2 1.75 13.25h12.5ZM8 6.5v3.25M8 11.25v.9" fill="none" stroke="currentColor" strokeWidth="1.4" />
  ),
  note: (
    <>
      {RING}
      <path d="M8 7.2v4M8 4.9v.9" fill="none" stroke="currentColor" strokeWidth="1.5" />
    </>
  ),
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" />,
  link: (
    <path
      d="M6.5 9.5 9.5 6.5M7.2 5 9 3.2a2.7 2.7 0 0 1 3.8 3.8L11 8.8M8.8 11 7 12.8A2.7 2.7 0 0 1 3.2 9L5 7.2"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
    />
  ),
  away: (
    <path d="M6 4H3.5v8.5H12V10M9 3.5h3.5V7M12.5 3.5 7.5 8.5" fill="none" stroke="currentColor" strokeWidth="1.4" />
  ),
  move: (
    <path
      d="M9.5 2.5h4v4M13.5 2.5l-5 5M6.5 13.5h-4v-4M2.5 13.5l5-5"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
    />
  )
};

export function Picture({ of }: { of: Icon | keyof typeof OTHERS }): ReactElement {
  const drawn = of in PICTURES ? PICTURES[of as Icon] : OTHERS[of as keyof typeof OTHERS];
  return (
    <svg className={`jp-Schedule-picture jp-mod-${of}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {drawn}
    </svg>
  );
}

/** Icon, word and colour of a state. */
export function StateMark({ state, title }: { state: State; title?: string }): ReactElement {
  return (
    <span className="jp-Schedule-state" data-role={state.role} title={title}>
      <Picture of={state.icon} />
      <span>{state.words}</span>
    </span>
  );
}
