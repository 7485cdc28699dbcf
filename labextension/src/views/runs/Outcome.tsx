/** The end of a run: the cause in one line, notes, and the cell that raised. */
import type { ReactElement } from 'react';

import type { Failure, RunDetails } from '../../api/schemas';
import { describeCause, describeMissing, needsALook } from '../../model/runs';
import { CopyButton } from '../common/controls';
import { useHost } from '../common/hostContext';
import { Picture } from '../common/Picture';
import type { MissingFile } from './useMissingFile';

/** The cause first: one line, unless the state says it all. */
export function Outcome({ run, missing }: { run: RunDetails; missing: MissingFile | null }): ReactElement {
  const { trans } = useHost();
  const silent = trans.__('It ended without saying why. The log below may tell.');
  const saidByState = run.status === 'succeeded' && run.reason !== 'empty_output';
  const known = missing ? describeMissing(run, missing.named, missing.apply !== null, trans) : describeCause(run);
  const sentence = saidByState ? '' : known || (needsALook(run) ? silent : '');
  return (
    <>
      {sentence && (
        <p className="jp-Schedule-cause" role={needsALook(run) ? 'alert' : undefined}>
          {sentence}
        </p>
      )}
      {run.notes.map(note => (
        <p key={note} className="jp-Schedule-note">
          <Picture of="attention" />
          <span>{note}</span>
        </p>
      ))}
    </>
  );
}

/** The cell that raised, with its line, and the traceback folded. */
export function FailedCell({ failure }: { failure: Failure }): ReactElement {
  const { trans } = useHost();
  const { cell, line: failed, source, traceback } = failure;
  return (
    <section>
      {source && (
        <figure className="jp-Schedule-cell">
          <figcaption>
            {cell ? trans.__('cell %1', cell) : trans.__('code')}
            {failed ? trans.__(', line %1', failed) : ''}
          </figcaption>
          <pre tabIndex={0} aria-label={trans.__('The failing cell')}>
            {source.split('\n').map((line, index) => (
              <span key={index} data-failed={index + 1 === failed || undefined}>
                {line || ' '}
              </span>
            ))}
          </pre>
        </figure>
      )}
      {traceback && (
        <details className="jp-Schedule-fold">
          <summary>
            {trans._n('Full traceback, %1 line', 'Full traceback, %1 lines', traceback.trim().split('\n').length)}
          </summary>
          <CopyButton text={traceback} />
          <pre className="jp-Schedule-pre" tabIndex={0} aria-label={trans.__('Traceback')}>
            {traceback}
          </pre>
        </details>
      )}
    </section>
  );
}
