/** A request that a person started: one at a time, its failure shown where it was started. */
import { useCallback, useState } from 'react';

import type { Problem } from '../../api/problem';
import { asProblem } from '../../api/problem';

export interface Action {
  busy: boolean;
  problem: Problem | null;
  /** Carry `work` out, unless something else still is. */
  run(work: () => Promise<unknown>): void;
  /** Take the problem off the screen. */
  clear(): void;
}

export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const run = useCallback(
    (work: () => Promise<unknown>) => {
      if (busy) {
        return;
      }
      setBusy(true);
      setProblem(null);
      work()
        .catch((error: unknown) => setProblem(asProblem(error)))
        .finally(() => setBusy(false));
    },
    [busy]
  );
  const clear = useCallback(() => setProblem(null), []);
  return { busy, problem, run, clear };
}
