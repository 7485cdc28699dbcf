/** The reason of a pause, for whoever finds the schedule paused: said or changed in place. */
import type { KeyboardEvent, ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { Schedule } from '../../api/schemas';
import { TextButton } from '../common/controls';
import { ProblemBox } from '../common/messages';
import { focusField } from '../common/fields';
import { useHost } from '../common/hostContext';
import { useAction } from '../common/useAction';

const LONGEST = 500;

export function PauseNote({ schedule, refresh }: { schedule: Schedule; refresh(): void }): ReactElement | null {
  const { api, trans } = useHost();
  const action = useAction();
  const [text, setText] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLParagraphElement>(null);
  const editing = text !== null;
  const left = useRef(false);
  useEffect(() => {
    if (editing) {
      focusField(input.current);
    } else if (left.current) {
      button.current?.querySelector('button')?.focus();
    }
    left.current = editing;
  }, [editing]);
  if (schedule.state !== 'paused') {
    return null;
  }
  const save = () =>
    action.run(async () => {
      await api.pause(schedule.name, text ?? '');
      setText(null);
      refresh();
    });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      save();
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      setText(null);
    }
  };
  if (editing) {
    return (
      <>
        <input
          ref={input}
          className="jp-mod-styled"
          aria-label={trans.__('Why it is paused')}
          maxLength={LONGEST}
          autoComplete="off"
          value={text}
          onChange={event => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <p className="jp-Schedule-quiet">{trans.__('Enter saves, Escape leaves it as it was.')}</p>
        {action.problem && <ProblemBox problem={action.problem} />}
      </>
    );
  }
  // the sentence above tells what it says
  const note = schedule.paused?.note ?? '';
  return (
    <p ref={button}>
      <TextButton onClick={() => setText(note)}>
        {note ? trans.__('Change why it is paused') : trans.__('Say why it is paused')}
      </TextButton>
    </p>
  );
}
