/** The difference between two versions, or between a version and the notebook as it is on disk. */
import { useEffect, useState } from 'react';

import type { Problem } from '../../api/problem';
import { asProblem, isAbort } from '../../api/problem';
import type { Difference, Schedule } from '../../api/schemas';
import type { Side } from '../../model/versions';
import { useHost, useVisible } from '../common/hostContext';

interface DifferenceState {
  /** null until it is known */
  difference: Difference | null;
  problem: Problem | null;
}

/** Looked at while somebody can see it, again after every save of the notebook; what was seen last stays until then. */
export function useDifference(
  { name, version, bundle, form: { notebook } }: Schedule,
  { before, after }: Side
): DifferenceState {
  const { api, onSaved } = useHost();
  const visible = useVisible();
  const question = `${name} ${version} ${bundle} ${before} ${after}`;
  const [answer, setAnswer] = useState({
    question,
    difference: null as Difference | null,
    problem: null as Problem | null
  });
  const [renewal, setRenewal] = useState(0);
  const compared = after === null ? notebook : null;
  useEffect(
    () => (compared ? onSaved?.(compared, () => setRenewal(count => count + 1)) : undefined),
    [compared, onSaved]
  );
  useEffect(() => {
    if (!visible) {
      return;
    }
    const stopped = new AbortController();
    api.difference(name, before, after, stopped.signal).then(
      difference => setAnswer({ question, difference, problem: null }),
      (error: unknown) => isAbort(error) || setAnswer({ question, difference: null, problem: asProblem(error) })
    );
    return () => stopped.abort();
  }, [api, name, before, after, question, renewal, visible]);
  return answer.question === question ? answer : { difference: null, problem: null };
}
