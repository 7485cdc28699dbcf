/** The files that a run left: its results with previews, its report, and what it wrote elsewhere. */
import type { ReactElement } from 'react';
import { useState } from 'react';

import type { PublishedFile, RunDetails } from '../../api/schemas';
import { formatSize } from '../../model/format';
import type { TranslationBundle } from '../../model/translation';
import { CopyButton } from '../common/controls';
import { FRAME, useHost } from '../common/hostContext';
import { FilePreview } from './FilePreview';

const IMAGE = /\.(png|jpe?g|gif|svg|webp)$/i;
const PREVIEWED = /\.(csv|tsv|txt|md|json|geojson|log|parquet|csv\.gz|tsv\.gz)$/i;
/** a browser shows these; the others it can only save */
const OPENS = /\.(html?|txt|log|json|png|jpe?g|gif|webp|svg)$/i;
/** only programs read these */
const INTERNAL = 'failure.json';
/** files that are listed */
const MOST_FILES = 200;

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
          <FileRow key={file.path} file={file} run={run.run_id} open={place === 0} />
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
      {run.archive && (
        <p>
          <a href={run.archive} download>
            {trans.__('Download all as .zip')}
          </a>
        </p>
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
    '.html': trans.__('Executed notebook (HTML)'),
    '.ipynb': trans.__('Executed notebook')
  };
  return names[/\.[^.]*$/.exec(path)?.[0] ?? ''];
}

interface FileRowProps {
  file: PublishedFile;
  /** a description, where its path doesn't say enough */
  name?: string;
  /** of a result, which has a preview: the run that left it */
  run?: string;
  /** a preview is there unasked */
  open?: boolean;
}

function FileRow({ file, name, run, open = false }: FileRowProps): ReactElement {
  const { trans } = useHost();
  const web = /^https?:|^\//.test(file.url);
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
        {run && <CopyButton text={new URL(file.url, document.baseURI).href} label={trans.__('Copy address')} />}
      </span>
      {run && web && IMAGE.test(file.path) && (
        <a className="jp-mod-preview" href={file.url} target="_blank" rel="noopener noreferrer">
          <img src={file.url} alt={file.path} loading="lazy" />
        </a>
      )}
      {run && PREVIEWED.test(file.path) && <FilePreview run={run} path={`output/${file.path}`} start={open} />}
    </li>
  );
}

/** The executed notebook in a frame: its charts draw, and nothing of Jupyter's is within their reach. */
export function ExecutedNotebook({ file, failed }: { file: PublishedFile; failed: boolean }): ReactElement {
  const { trans } = useHost();
  const [open, setOpen] = useState(false);
  return (
    <details className="jp-Schedule-report" onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{trans.__('Executed notebook')}</summary>
      {open && (
        <iframe
          title={trans.__('Executed notebook')}
          sandbox={FRAME}
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
