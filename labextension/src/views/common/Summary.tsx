/** The sentence that says what will happen, and the next times in the reader's zone and in UTC. */
import type { ReactElement } from 'react';

import type { Occurrence } from '../../api/schemas';
import { useHost } from './hostContext';
import { Picture } from './Picture';

interface Props {
  /** for aria-describedby */
  id?: string;
  sentence: string;
  next: readonly Occurrence[];
  /** the answer is older than the form */
  stale?: boolean;
}

export function Summary({ id, sentence, next, stale = false }: Props): ReactElement {
  const { trans } = useHost();
  return (
    <div className="jp-Schedule-summary" aria-busy={stale}>
      <p id={id}>{sentence}</p>
      {next.length > 0 && (
        <details>
          <summary>{trans._n('The next time', 'The next %1 times', next.length)}</summary>
          <NextTimes next={next} />
        </details>
      )}
      {notes(next).map(note => (
        <p key={note} className="jp-Schedule-note">
          <Picture of="attention" />
          <span>{note}</span>
        </p>
      ))}
    </div>
  );
}

/** The times, one a line: yours, then UTC. */
export function NextTimes({ next }: { next: readonly Occurrence[] }): ReactElement {
  const { clock, trans } = useHost();
  return (
    <ul className="jp-Schedule-times">
      {next.map(({ scheduled_for }) => (
        <li key={scheduled_for}>
          <time dateTime={scheduled_for} title={clock.both(scheduled_for)}>
            {clock.full(scheduled_for)}
          </time>
          {clock.zone !== 'UTC' && (
            <span className="jp-Schedule-quiet">
              {' '}
              {trans.__('your time, %1 UTC', clock.time(scheduled_for, 'UTC'))}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** The next times: the days in a row where all times are at one time of day; else one time a line. */
export function NextDays({ next }: { next: readonly Occurrence[] }): ReactElement {
  const { clock, trans } = useHost();
  const instants = next.map(({ scheduled_for }) => scheduled_for);
  const [time, ...others] = new Set(instants.map(instant => clock.time(instant)));
  if (time === undefined || others.length > 0) {
    return (
      <>
        <h3>{trans.__('Next')}</h3>
        <NextTimes next={next} />
      </>
    );
  }
  const utc = clock.zone === 'UTC' ? 'UTC' : trans.__('your time, %1 UTC', clock.time(instants[0]!, 'UTC'));
  return (
    <>
      <div className="jp-Schedule-title">
        <h3>{trans.__('Next')}</h3>
        <span className="jp-Schedule-quiet">{`${time} ${utc}`.trim()}</span>
      </div>
      <ul className="jp-Schedule-days">
        {clock.dates(instants).map((date, place) => (
          <li key={date}>
            <time dateTime={instants[place]} title={clock.both(instants[place]!)}>
              {date}
            </time>
          </li>
        ))}
      </ul>
    </>
  );
}

function notes(next: readonly Occurrence[]): string[] {
  return [...new Set(next.map(({ note }) => note).filter(note => note !== null))];
}
