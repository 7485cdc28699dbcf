/** The output of a run, while it is printed; it follows its end until the reader scrolls up. */
import type { ReactElement } from 'react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import { isAbort } from '../../api/problem';
import type { RunDetails } from '../../api/schemas';
import { needsALook, isOpen, renderLog } from '../../model/runs';
import { CopyButton } from '../common/controls';
import { useHost, useVisible } from '../common/hostContext';

/** characters that are shown; the whole log is among the files */
const MOST = 400_000;
/** milliseconds */
const PAUSE = 1000;

export function Log({ run }: { run: RunDetails }): ReactElement | null {
  const { trans } = useHost();
  const started = run.started_at !== null;
  const open = isOpen(run);
  const [shown, setShown] = useState(open || (needsALook(run) && !run.failure));
  const text = useLog(run.run_id, started && shown);
  const end = useRef<HTMLPreElement>(null);
  const following = useRef(true);
  const lines = renderLog(text);
  useLayoutEffect(() => {
    if (following.current && end.current) {
      end.current.scrollTop = end.current.scrollHeight;
    }
  }, [lines]);
  if (!started) {
    return null;
  }
  return (
    <details className="jp-Schedule-log" open={shown} onToggle={event => setShown(event.currentTarget.open)}>
      <summary>{trans.__('Log')}</summary>
      <CopyButton text={lines} />
      <pre
        ref={end}
        className="jp-Schedule-pre"
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={trans.__('Log')}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          following.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {lines || (open ? trans.__('Nothing printed yet.') : trans.__('Nothing was printed.'))}
      </pre>
    </details>
  );
}

/** The log so far, its newest `MOST` characters. */
function useLog(id: string, wanted: boolean): string {
  const { api } = useHost();
  const visible = useVisible();
  const [log, setLog] = useState({ id, text: '', next: 0, ended: false });
  const place = useRef(log);
  if (place.current.id !== id) {
    place.current = { id, text: '', next: 0, ended: false };
  }
  useEffect(() => {
    if (!wanted || !visible || place.current.ended) {
      return;
    }
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      try {
        const piece = await api.log(id, place.current.next, stopped.signal);
        const text = (place.current.text + piece.text).slice(-MOST);
        place.current = { id, text, next: piece.next, ended: piece.ended };
        setLog(place.current);
      } catch (error) {
        if (isAbort(error)) {
          return;
        }
      }
      if (!place.current.ended && !stopped.signal.aborted) {
        timer = setTimeout(() => void look(), PAUSE);
      }
    };
    void look();
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [api, id, wanted, visible]);
  return log.id === id ? log.text : '';
}
