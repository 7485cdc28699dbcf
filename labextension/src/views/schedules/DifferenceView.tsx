/** The difference between two versions: the form's fields, other files, and cells line by line.  Everything is text. */
import type { ReactElement } from 'react';

import type { CellDifference, Difference, DifferenceLine } from '../../api/schemas';
import { listChanges } from '../../model/changes';
import { titleCell, describeDifference, describeFileChange, markLine } from '../../model/versions';
import { useHost } from '../common/hostContext';

export function DifferenceView({ difference }: { difference: Difference }): ReactElement {
  const { trans } = useHost();
  const { before, after, cells, more, files } = difference;
  const changes = after ? listChanges(before, after, trans).filter(({ code }) => !code) : [];
  return (
    <>
      <p role="status">{describeDifference(difference, trans)}</p>
      {changes.length > 0 && (
        <dl className="jp-Schedule-facts" aria-label={trans.__('Settings')}>
          {changes.map(({ label, was, now }) => [
            <dt key={label}>{label}</dt>,
            <dd key={`${label} now`}>{trans.__('%1, was %2', now, was)}</dd>
          ])}
        </dl>
      )}
      {files.length > 0 && (
        <ul className="jp-Schedule-files" aria-label={trans.__('Other files')}>
          {files.map(file => (
            <li key={file.path}>
              <span className="jp-Schedule-code">{file.path}</span>
              <span className="jp-Schedule-quiet">{describeFileChange(file, trans)}</span>
            </li>
          ))}
        </ul>
      )}
      {cells.map((cell, place) => (
        <CellView key={place} cell={cell} />
      ))}
      {more > 0 && (
        <p className="jp-Schedule-quiet">{trans._n('%1 more cell differs.', '%1 more cells differ.', more)}</p>
      )}
    </>
  );
}

function CellView({ cell }: { cell: CellDifference }): ReactElement {
  const { trans } = useHost();
  const title = titleCell(cell, trans);
  return (
    <figure className="jp-Schedule-cell jp-Schedule-difference">
      <figcaption>{title}</figcaption>
      {cell.lines.length > 0 && (
        <pre tabIndex={0} aria-label={title}>
          {cell.lines.map((line, place) => (
            <LineView key={place} line={line} />
          ))}
        </pre>
      )}
    </figure>
  );
}

function LineView({ line: { kind, text } }: { line: DifferenceLine }): ReactElement {
  const { trans } = useHost();
  if (kind === 'gap') {
    return <span data-line="gap">{trans._n('⋯ %1 line the same', '⋯ %1 lines the same', Number(text))}</span>;
  }
  const Tag = kind === 'added' ? 'ins' : kind === 'removed' ? 'del' : 'span';
  return (
    <Tag data-line={kind}>
      <span>{markLine(kind)}</span>
      {text || ' '}
    </Tag>
  );
}
