/** The beginning of a file that a run left: a table, JSON that unfolds, or lines of text. */
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';

import { asProblem, isAbort } from '../../api/problem';
import type { FilePreview as Preview } from '../../api/schemas';
import type { TranslationBundle } from '../../model/translation';
import { useHost } from '../common/hostContext';

/** lines of a text, and entries of a list or an object, that are shown */
const MOST_LINES = 12;
const MOST_ENTRIES = 100;
/** levels of JSON that are unfolded at first */
const UNFOLDED = 1;

interface Props {
  run: string;
  /** such as `output/rides.csv` */
  path: string;
  /** the first lines are asked for at once */
  start: boolean;
}

export function FilePreview({ run, path, start }: Props): ReactElement {
  const { api, trans } = useHost();
  const [open, setOpen] = useState(start);
  const [found, setFound] = useState<Preview | string | null>(null);
  useEffect(() => {
    if (!open) {
      return;
    }
    const asking = new AbortController();
    api.filePreview(run, path, asking.signal).then(setFound, error => {
      if (!isAbort(error)) {
        setFound(asProblem(error).message);
      }
    });
    return () => asking.abort();
  }, [api, open, run, path]);
  return (
    <details className="jp-mod-preview" open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{trans.__('Preview')}</summary>
      {found === null ? (
        <p className="jp-Schedule-quiet">{trans.__('Loading…')}</p>
      ) : typeof found === 'string' ? (
        <p className="jp-Schedule-quiet">{found}</p>
      ) : (
        <Shown preview={found} path={path} />
      )}
    </details>
  );
}

function Shown({ preview, path }: { preview: Preview; path: string }): ReactElement {
  if (preview.kind === 'table') {
    return <Table preview={preview} name={path} />;
  }
  const value = preview.kind === 'json' ? parse(preview.text) : undefined;
  return value === undefined ? (
    <pre className="jp-Schedule-pre" tabIndex={0} aria-label={path}>
      {preview.text.split('\n').slice(0, MOST_LINES).join('\n')}
    </pre>
  ) : (
    <div className="jp-Schedule-json" role="group" aria-label={path} tabIndex={0}>
      <Json value={value} depth={0} />
    </div>
  );
}

function Table({ preview, name }: { preview: Preview; name: string }): ReactElement {
  const { trans } = useHost();
  const { columns, rows } = preview;
  return (
    <>
      <div className="jp-Schedule-table" role="region" aria-label={name} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map((column, place) => (
                <th key={place} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, place) => (
              <tr key={place}>
                {row.map((cell, column) => (
                  <td key={column} data-number={isNumber(cell) || undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="jp-Schedule-quiet">{describeTable(preview, trans)}</p>
    </>
  );
}

/** The number of rows and columns, and how many of them are shown. */
function describeTable({ rows, columns, all_rows, all_columns }: Preview, trans: TranslationBundle): string {
  const shownRows =
    all_rows === null
      ? trans.__('First %1 rows', rows.length)
      : all_rows > rows.length
        ? trans.__('First %1 of %2 rows', rows.length, all_rows)
        : trans._n('%1 row', '%1 rows', rows.length);
  const shownColumns =
    all_columns > columns.length
      ? trans.__('first %1 of %2 columns', columns.length, all_columns)
      : trans._n('%1 column', '%1 columns', columns.length);
  return `${shownRows}, ${shownColumns}`;
}

/** A value of JSON: what has parts unfolds. */
function Json({ value, name, depth }: { value: unknown; name?: string; depth: number }): ReactElement {
  const { trans } = useHost();
  const label = name === undefined ? '' : `${name}: `;
  if (value === null || typeof value !== 'object') {
    return (
      <div>
        {label}
        <span className="jp-Schedule-code">{JSON.stringify(value)}</span>
      </div>
    );
  }
  const entries = Object.entries(value) as [string, unknown][];
  const [before, after] = Array.isArray(value) ? '[]' : '{}';
  return (
    <details open={depth < UNFOLDED}>
      <summary>
        {label}
        {before}
        {trans._n('%1 entry', '%1 entries', entries.length)}
        {after}
      </summary>
      {entries.slice(0, MOST_ENTRIES).map(([key, part]) => (
        <Json key={key} name={key} value={part} depth={depth + 1} />
      ))}
      {entries.length > MOST_ENTRIES && <div>{trans.__('and %1 more', entries.length - MOST_ENTRIES)}</div>}
    </details>
  );
}

/** The value of a JSON text; undefined of what is none, such as Python's NaN. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isNumber(cell: string): boolean {
  return /^-?[\d.,]+(e[+-]?\d+)?$/i.test(cell.trim());
}
