/** A schedule's sentence, with the time of day and the time limit as buttons that turn into their field in place. */
import type { KeyboardEvent, ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { Schedule } from '../../api/schemas';
import type { SentencePart } from '../../model/sentence';
import { splitSentence } from '../../model/sentence';
import { ProblemBox } from '../common/messages';
import { focusField } from '../common/fields';
import { useHost } from '../common/hostContext';
import { useAction } from '../common/useAction';

export function Sentence({ schedule, refresh }: { schedule: Schedule; refresh(): void }): ReactElement {
  const { api, trans } = useHost();
  const [editing, setEditing] = useState<number | null>(null);
  const action = useAction();
  const line = useRef<HTMLParagraphElement>(null);
  const left = useRef<number | null>(null);
  const leave = (place: number) => {
    left.current = place;
    setEditing(null);
  };
  useEffect(() => {
    if (editing === null && left.current !== null) {
      line.current?.querySelector<HTMLElement>(`[data-place="${left.current}"]`)?.focus();
      left.current = null;
    }
  }, [editing]);
  const save = (part: SentencePart, place: number, value: string) =>
    action.run(async () => {
      if (value.trim() !== part.value) {
        await api.edit(schedule.name, part.patch!(value.trim()), schedule.version);
        refresh();
      }
      leave(place);
    });
  return (
    <>
      <p ref={line} className="jp-Schedule-sentence">
        {splitSentence(schedule, trans).map((part, place) => {
          if (!part.patch) {
            return <span key={place}>{part.text}</span>;
          }
          return editing === place ? (
            <InPlace key={place} part={part} save={value => save(part, place, value)} leave={() => leave(place)} />
          ) : (
            <button
              key={place}
              type="button"
              data-place={place}
              className="jp-Schedule-inline"
              aria-label={trans.__('%1: %2, change it', part.label!, part.text)}
              onClick={() => setEditing(place)}
            >
              {part.text}
            </button>
          );
        })}
      </p>
      {action.problem && <ProblemBox problem={action.problem} />}
    </>
  );
}

function InPlace({
  part,
  save,
  leave
}: {
  part: SentencePart;
  save(value: string): void;
  leave(): void;
}): ReactElement {
  const [value, setValue] = useState(part.value!);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => focusField(input.current), []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      save(value);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      leave();
    }
  };
  return (
    <input
      ref={input}
      className="jp-mod-styled jp-Schedule-inlineInput"
      aria-label={part.label}
      autoComplete="off"
      size={Math.max(5, value.length)}
      value={value}
      onChange={event => setValue(event.target.value)}
      onKeyDown={onKeyDown}
    />
  );
}
