/** The sheet over the form: every file that is sent, why, and what stays out; files are added and left out here. */
import type { ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { BundledFile, Preview } from '../../api/schemas';
import type { FormState } from '../../model/form';
import { withFile, withoutFile, isSent } from '../../model/form';
import { formatSize } from '../../model/format';
import { Button, TextButton } from '../common/controls';
import { Field } from '../common/fields';
import { useHost } from '../common/hostContext';

/** rows that are drawn; more would only slow the browser down */
const MOST = 200;

interface Props {
  state: FormState;
  preview: Preview;
  error?: string;
  change(state: FormState): void;
  close(): void;
}

export function ReviewFiles({ state, preview, error, change, close }: Props): ReactElement {
  const { trans } = useHost();
  const [path, setPath] = useState('');
  const sheet = useRef<HTMLDivElement>(null);
  useEffect(() => sheet.current?.querySelector('input')?.focus(), []);
  const add = () => {
    if (path.trim()) {
      change(withFile(state, path.trim()));
      setPath('');
    }
  };
  const sent = preview.files.filter(isSent);
  const out = preview.files.filter(file => !isSent(file));
  const listed = new Set(preview.files.map(file => file.path));
  const patterns = state.files.filter(name => !listed.has(name));
  return (
    <div
      ref={sheet}
      className="jp-Schedule-sheet"
      role="dialog"
      aria-modal="true"
      aria-label={trans.__('Review files')}
      onKeyDown={event => event.key === 'Escape' && (event.stopPropagation(), close())}
    >
      <div className="jp-Schedule-sheetHead">
        <h2>{trans.__('Code tarball')}</h2>
        <Button primary onClick={close}>
          {trans.__('Done')}
        </Button>
      </div>
      <div className="jp-Schedule-scroll">
        <Field
          label={trans.__('Add a file, folder or pattern')}
          help={trans.__('Relative to Jupyter’s root folder, such as data/*.csv.')}
          error={error}
        >
          {described => (
            <div className="jp-Schedule-row">
              <input
                {...described}
                className="jp-mod-styled"
                autoComplete="off"
                spellCheck={false}
                value={path}
                onChange={event => setPath(event.target.value)}
                onKeyDown={event => event.key === 'Enter' && (event.preventDefault(), add())}
              />
              <Button className="jp-mod-small" onClick={add}>
                {trans.__('Add')}
              </Button>
            </div>
          )}
        </Field>
        {patterns.length > 0 && (
          <>
            <h3>{trans.__('Named by you')}</h3>
            <ul className="jp-Schedule-files">
              {patterns.map(name => (
                <li key={name}>
                  <span className="jp-Schedule-code">{name}</span>
                  <TextButton
                    aria-label={trans.__('Remove %1', name)}
                    onClick={() => change({ ...state, files: state.files.filter(other => other !== name) })}
                  >
                    {trans.__('Remove')}
                  </TextButton>
                </li>
              ))}
            </ul>
          </>
        )}
        <h3>{trans._n('%1 file is sent', '%1 files are sent', sent.length)}</h3>
        <FileRows
          files={sent}
          action={trans.__('Leave out')}
          can={file => file.path !== state.notebook}
          act={file => change(withoutFile(state, file.path))}
        />
        {out.length > 0 && (
          <>
            <h3>{trans.__('Not sent')}</h3>
            <FileRows
              files={out}
              action={trans.__('Add')}
              can={file => file.status === 'left_out' || file.status === 'denied'}
              act={file => change(withFile(state, file.path))}
            />
          </>
        )}
        <Environment preview={preview} />
      </div>
    </div>
  );
}

interface RowsProps {
  files: BundledFile[];
  action: string;
  can(file: BundledFile): boolean;
  act(file: BundledFile): void;
}

function FileRows({ files, action, can, act }: RowsProps): ReactElement {
  const { trans } = useHost();
  return (
    <ul className="jp-Schedule-files">
      {files.slice(0, MOST).map(file => (
        <li key={file.path}>
          <span className="jp-Schedule-code">{file.path}</span>
          <span className="jp-Schedule-quiet jp-Schedule-number">{isSent(file) ? formatSize(file.size) : ''}</span>
          <span className="jp-Schedule-quiet jp-mod-reason">{file.why}</span>
          {can(file) && (
            <TextButton aria-label={`${action}: ${file.path}`} onClick={() => act(file)}>
              {action}
            </TextButton>
          )}
        </li>
      ))}
      {files.length > MOST && (
        <li className="jp-Schedule-quiet">{trans.__('and %1 more', (files.length - MOST).toLocaleString())}</li>
      )}
    </ul>
  );
}

function Environment({ preview }: { preview: Preview }): ReactElement | null {
  const { trans } = useHost();
  if (!preview.requirements.length) {
    return null;
  }
  return (
    <>
      <h3>{trans.__('Environment')}</h3>
      {preview.requirements_source && (
        <p className="jp-Schedule-quiet">{trans.__('Found by: %1', preview.requirements_source)}</p>
      )}
      <details>
        <summary>{trans._n('%1 package', '%1 packages', preview.requirements.length)}</summary>
        <pre className="jp-Schedule-pre" tabIndex={0}>
          {preview.requirements.join('\n')}
        </pre>
      </details>
    </>
  );
}
