/** Messages in place of a view or above it: a problem, or that something is awaited. */
import type { ReactElement, ReactNode } from 'react';

import type { Problem } from '../../api/problem';
import { AwayLink } from './controls';
import { useHost } from './hostContext';
import { Picture } from './Picture';
import type { Live } from './useLive';

/** A sentence about what went wrong, with what can be done. */
export function ProblemBox({ problem, children }: { problem: Problem | string; children?: ReactNode }): ReactElement {
  const { trans, signInAt } = useHost();
  const signedOut = typeof problem !== 'string' && problem.code === 'signed_out';
  return (
    <div className="jp-Schedule-box" data-role="error" role="alert">
      <Picture of="attention" />
      <div>
        <p>{typeof problem === 'string' ? problem : problem.message}</p>
        {signedOut && signInAt && <AwayLink href={signInAt}>{trans.__('Sign in')}</AwayLink>}
        {children && <div className="jp-Schedule-actions jp-mod-start">{children}</div>}
      </div>
    </div>
  );
}

/** The reason for which the screen isn't renewed any more, above the last answer. */
export function LiveProblem({ live }: { live: Pick<Live<unknown>, 'problem' | 'seen'> }): ReactElement | null {
  const { trans, clock } = useHost();
  const { problem, seen } = live;
  if (!problem) {
    return null;
  }
  const lost = problem.isTransient && seen > 0;
  const text = trans.__(
    'Lost the connection to Jupyter. Showing %1; trying again.',
    clock.time(new Date(seen).toISOString())
  );
  return <ProblemBox problem={lost ? text : problem} />;
}

/** Said while the first answer is awaited. */
export function Waiting(): ReactElement {
  const { trans } = useHost();
  return <p className="jp-Schedule-quiet">{trans.__('Loading…')}</p>;
}
