/** A value of the server that stays fresh while somebody looks at it. */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { Problem } from '../../api/problem';
import { asProblem, isAbort } from '../../api/problem';
import { useHost, useVisible } from './hostContext';

/** milliseconds between looks: while something runs, when nothing does, when the server can't be reached */
const BUSY = 1000;
const IDLE = 30_000;
const LOST = 3000;
/** several changes at once are one look */
const GATHER = 100;

export interface Live<T> {
  value: T | undefined;
  /** the failure of the newest request; `value` is then an older one */
  problem: Problem | null;
  /** when `value` was seen, milliseconds */
  seen: number;
  /** Look now. */
  refresh(): void;
}

/**
 * The answer of `load`, renewed on every change on the server, each second while `busy` says so, else twice a minute.
 *
 * key: identifies what is loaded; a new key starts afresh.  Nothing is asked while nobody can see the panel.
 */
export function useLive<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  busy: (value: T) => boolean
): Live<T> {
  const host = useHost();
  const visible = useVisible();
  const [state, setState] = useState<{ key: string; value?: T; problem: Problem | null; seen: number }>({
    key,
    problem: null,
    seen: 0
  });
  const functions = useRef({ load, busy });
  functions.current = { load, busy };
  const look = useRef<() => void>(() => undefined);

  useEffect(() => {
    if (!visible) {
      return;
    }
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let looking = false;
    let again = false;
    const after = (milliseconds: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => void once(), milliseconds);
    };
    const once = async () => {
      if (looking) {
        again = true;
        return;
      }
      looking = true;
      clearTimeout(timer);
      let wait = LOST;
      try {
        const value = await functions.current.load(stopped.signal);
        wait = functions.current.busy(value) ? BUSY : IDLE;
        if (!stopped.signal.aborted) {
          setState({ key, value, problem: null, seen: host.now() });
        }
      } catch (error) {
        if (!stopped.signal.aborted && !isAbort(error)) {
          const problem = asProblem(error);
          wait = problem.isTransient ? LOST : IDLE;
          setState(old => (old.key === key ? { ...old, problem } : { key, problem, seen: 0 }));
        }
      }
      looking = false;
      if (!stopped.signal.aborted) {
        after(again ? GATHER : wait);
        again = false;
      }
    };
    look.current = () => after(0);
    const forget = host.onChange?.(() => (looking ? (again = true) : after(GATHER)));
    void once();
    return () => {
      stopped.abort();
      clearTimeout(timer);
      forget?.();
    };
  }, [key, visible, host]);

  const refresh = useCallback(() => look.current(), []);
  const current = state.key === key;
  return {
    value: current ? state.value : undefined,
    problem: current ? state.problem : null,
    seen: current ? state.seen : 0,
    refresh
  };
}
