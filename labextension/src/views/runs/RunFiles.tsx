/** The files that a run left: its results with previews, its report, and what it wrote elsewhere. */
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';

import type { PublishedFile, RunDetails } from '../../api/schemas';
import { formatSize } from '../../model/format';
import type { TranslationBundle } from '../../model/translation';
import { CopyButton } from '../common/controls';
import { useHost } from '../common/hostContext';

const IMAGE = /\.(png|jpe?g|gif|svg|webp)$/i;
const TEXT = /\.(csv|tsv|txt|md|json|log)$/i;
/** a browser shows these; the others it can only save */
const OPENS = /\.(html?|txt|log|json|png|jpe?g|gif|webp|svg)$/i;
/** only programs read these */
const INTERNAL = 'failure.json';
/** files that are listed, bytes of a text that are fetched, lines of it that are shown */
const MOST_FILES = 200;
const MOST_BYTES = 200_000;
const MOST_LINES = 12;

/** The executed notebook as a page, if there is one. */
export function findExecuted(run: RunDetails): PublishedFile | undefined {
  return run.report.find(({ path }) => path.endsWith('.html'));
}

export function RunFiles({ run }: { run: RunDetails }): ReactElement | null {
  const { trans } = useHost();
  const results = run.publication?.files.length ? run.publication.files : run.outputs;
  if (!results.length && !run.report.length && !run.elsewhere.length) {
    return null;
  }
  return (
    <section>
      {results.length > 0 && <h3>{trans.__('Results')}</h3>}
      <ul className="jp-Schedule-files">
        {results.slice(0, MOST_FILES).map((file, place) => (
          <FileRow key={file.path} file={file} preview open={place === 0} />
        ))}
        {results.length > MOST_FILES && <li>{trans.__('and %1 more', results.length - MOST_FILES)}</li>}
      </ul>
      {run.elsewhere.length > 0 && (
        <p className="jp-Schedule-note">
          {trans.__(
            'Written outside the output directory, so not published: %1',
            run.elsewhere.slice(0, 10).join(', ')
          )}
        </p>
      )}
      {run.report.length > 0 && (
        <>
          <h3>{trans.__('Report')}</h3>
          <ul className="jp-Schedule-files">
            {run.report
              .filter(({ path }) => path !== INTERNAL)
              .map(file => (
                <FileRow key={file.path} file={file} name={reportName(file.path, trans)} />
              ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** The description of a file of the report. */
function reportName(path: string, trans: TranslationBundle): string | undefined {
  if (path === 'log.txt') {
    return trans.__('Log');
  }
  const names: Record<string, string> = {
    '.html': trans.__('Notebook as run, as a page'),
    '.ipynb': trans.__('Notebook as run')
  };
  return names[/\.[^.]*$/.exec(path)?.[0] ?? ''];
}

interface FileRowProps {
  file: PublishedFile;
  /** a description, where its path doesn't say enough */
  name?: string;
  preview?: boolean;
  /** a text's preview is there unasked */
  open?: boolean;
}

function FileRow({ file, name, preview = false, open = false }: FileRowProps): ReactElement {
  const { trans } = useHost();
  const web = /^https?:|^\//.test(file.url);
  const isText = preview && TEXT.test(file.path) && file.size <= MOST_BYTES;
  return (
    <li>
      <span className={name ? undefined : 'jp-Schedule-code'} title={file.path}>
        {name ?? file.path}
      </span>
      <span className="jp-Schedule-quiet jp-Schedule-number">{formatSize(file.size)}</span>
      <span className="jp-mod-links">
        {web && (
          <>
            {OPENS.test(file.path) && (
              <a href={file.url} target="_blank" rel="noopener noreferrer" aria-label={trans.__('Open %1', file.path)}>
                {trans.__('Open')}
              </a>
            )}
            <a
              href={asDownload(file.url)}
              download={file.path.split('/').pop()}
              aria-label={trans.__('Download %1', file.path)}
            >
              {trans.__('Download')}
            </a>
          </>
        )}
        {preview && <CopyButton text={new URL(file.url, document.baseURI).href} label={trans.__('Copy address')} />}
      </span>
      {preview && web && IMAGE.test(file.path) && (
        <a className="jp-mod-preview" href={file.url} target="_blank" rel="noopener noreferrer">
          <img src={file.url} alt={file.path} loading="lazy" />
        </a>
      )}
      {isText && web && <TextPreview file={file} start={open} />}
    </li>
  );
}

/** The first lines, fetched when they are asked for, or at the `start`. */
function TextPreview({ file, start }: { file: PublishedFile; start: boolean }): ReactElement {
  const { trans } = useHost();
  const [open, setOpen] = useState(start);
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    if (!open) {
      return;
    }
    const asking = new AbortController();
    fetch(file.url, { signal: asking.signal, credentials: 'same-origin' })
      .then(async answer => setText(answer.ok ? await answer.text() : trans.__('It can’t be shown here.')))
      .catch(() => undefined);
    return () => asking.abort();
  }, [open, file.url, trans]);
  return (
    <details className="jp-mod-preview" open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{trans.__('First lines')}</summary>
      <pre className="jp-Schedule-pre" tabIndex={0} aria-label={file.path}>
        {text === null ? trans.__('Loading…') : text.split('\n').slice(0, MOST_LINES).join('\n')}
      </pre>
    </details>
  );
}

/** The executed notebook in a frame that may do nothing: no scripts, no forms, no origin of its own. */
export function ExecutedNotebook({ file, failed }: { file: PublishedFile; failed: boolean }): ReactElement {
  const { trans } = useHost();
  const [open, setOpen] = useState(false);
  return (
    <details className="jp-Schedule-report" onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{trans.__('Notebook as run')}</summary>
      {open && (
        <iframe
          title={trans.__('Notebook as run')}
          sandbox=""
          referrerPolicy="no-referrer"
          src={failed ? `${file.url}#papermill-error-cell` : file.url}
        />
      )}
    </details>
  );
}

function asDownload(url: string): string {
  return /\/jupyter-schedule\//.test(url) ? `${url}${url.includes('?') ? '&' : '?'}download=1` : url;
}
