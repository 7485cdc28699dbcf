/** Undo instead of "Are you sure?": for ten seconds a change can be taken back, and one that can't waits for as long. */
import type { ReactElement } from 'react';
import { useCallback, useEffect, useRef, useState } from 'react';

import { TextButton } from './controls';
import { useHost } from './hostContext';

/** milliseconds */
const UNDO_TIME = 10_000;

export interface Undoable {
  text: string;
  /** Take it back. */
  undo(): void;
  /** Do the work that was put off until undoing is over; `leaving` when the page or panel goes away now. */
  settle?(leaving: boolean): void;
}

export interface Undo {
  offer(undoable: Undoable): void;
  bar: ReactElement | null;
}

export function useUndo(): Undo {
  const { trans } = useHost();
  const [offered, setOffered] = useState<Undoable | null>(null);
  const pending = useRef<Undoable | null>(null);
  /** the element that had the focus when the change was made */
  const origin = useRef<Element | null>(null);

  const settle = useCallback((leaving: boolean) => {
    const due = pending.current;
    pending.current = null;
    due?.settle?.(leaving);
    if (!leaving) {
      setOffered(null);
    }
  }, []);
  const offer = useCallback(
    (undoable: Undoable) => {
      settle(false);
      pending.current = undoable;
      origin.current = document.activeElement;
      setOffered(undoable);
    },
    [settle]
  );
  useEffect(() => {
    if (!offered) {
      return;
    }
    const timer = setTimeout(() => settle(false), UNDO_TIME);
    return () => clearTimeout(timer);
  }, [offered, settle]);
  useEffect(() => {
    const leave = () => settle(true);
    window.addEventListener('pagehide', leave);
    return () => {
      window.removeEventListener('pagehide', leave);
      leave();
    };
  }, [settle]);

  const undo = () => {
    pending.current = null;
    setOffered(null);
    if (origin.current instanceof HTMLElement) {
      origin.current.focus();
    }
    offered?.undo();
  };
  const bar = offered && (
    <div className="jp-Schedule-undo" role="status">
      <span>{offered.text}</span>
      <TextButton onClick={undo}>{trans.__('Undo')}</TextButton>
    </div>
  );
  return { offer, bar };
}
