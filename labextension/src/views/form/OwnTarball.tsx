/** A tarball of one's own in place of a notebook: picked or dropped, sent at once, with the command that a run starts. */
import type { DragEvent, ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { FormPartProps } from '../../model/form';
import { withNotebook, withTarball } from '../../model/form';
import { formatSize } from '../../model/format';
import type { TranslationBundle } from '../../model/translation';
import { Button, TextButton } from '../common/controls';
import { Field } from '../common/fields';
import { useHost } from '../common/hostContext';
import { ProblemBox } from '../common/messages';
import { useAction } from '../common/useAction';

interface Props extends FormPartProps {
  /** the notebook that the form was opened for */
  notebook: string | null;
}

interface Sent {
  digest: string;
  name: string;
  /** number of its files and folders */
  files: number;
}

export function OwnTarball({ notebook, ...part }: Props): ReactElement {
  const { state, preview, change } = part;
  const { api, trans } = useHost();
  const [sending, setSending] = useState<string | null>(null);
  const [sent, setSent] = useState<Sent | null>(null);
  const { run, problem } = useAction();
  const picker = useRef<HTMLInputElement>(null);
  const ending = useRef<AbortController | null>(null);
  const latest = useRef(part);
  useEffect(() => void (latest.current = part));
  useEffect(() => () => ending.current?.abort(), []);
  const send = (file: File | null | undefined) => {
    if (!file || sending !== null) {
      return;
    }
    const asking = new AbortController();
    ending.current = asking;
    setSending(file.name);
    run(async () => {
      try {
        const { bundle, files } = await api.uploadTarball(file, asking.signal);
        setSent({ digest: bundle, name: file.name, files });
        latest.current.change(withTarball(latest.current.state, bundle, file.name));
      } finally {
        setSending(null);
      }
    });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    send(event.dataTransfer.files[0]);
  };
  const name = sent?.digest === state.tarball ? sent : null;
  return (
    <>
      <div className="jp-Schedule-drop" onDragOver={event => event.preventDefault()} onDrop={drop}>
        {sending !== null ? (
          <span role="status">{trans.__('Sending %1…', sending)}</span>
        ) : (
          state.tarball && <span role="status">{describe(state.tarball, name, preview?.size ?? null, trans)}</span>
        )}
        <input
          ref={picker}
          type="file"
          hidden
          accept=".tar.gz,.tgz,application/gzip"
          aria-label={trans.__('Code tarball')}
          onChange={event => {
            send(event.target.files?.[0]);
            event.target.value = '';
          }}
        />
        <Button className="jp-mod-small" onClick={() => picker.current?.click()} aria-disabled={sending !== null}>
          {state.tarball ? trans.__('Choose another') : trans.__('Choose a tarball')}
        </Button>
        {notebook !== null && state.tarball && (
          <TextButton onClick={() => change(withNotebook(state, notebook))}>{trans.__('Use the notebook')}</TextButton>
        )}
        {!state.tarball && <span className="jp-Schedule-quiet">{trans.__('or drop a .tar.gz here')}</span>}
      </div>
      {problem && <ProblemBox problem={problem} />}
      {state.notebook === null && <CommandField {...part} />}
    </>
  );
}

/** The command of a run, in the words of whoever knows a shell. */
export function CommandField({ state, problems, change }: FormPartProps): ReactElement {
  const { trans } = useHost();
  return (
    <Field
      name="command"
      label={trans.__('Execution commandline')}
      help={
        state.notebook === null
          ? trans.__('A Bash command, started in the tarball’s folder. Its files go to $OUTPUT_DIR.')
          : trans.__('What the worker starts; run.sh runs the notebook.')
      }
      error={problems.command}
    >
      {described => (
        <input
          {...described}
          className="jp-mod-styled jp-Schedule-code"
          autoComplete="off"
          spellCheck={false}
          value={state.command}
          onChange={event => change({ ...state, command: event.target.value })}
        />
      )}
    </Field>
  );
}

/** `report.tar.gz, 3 files, 17 kB`; of one that was sent another day the beginning of its digest. */
function describe(digest: string, sent: Sent | null, size: number | null, trans: TranslationBundle): string {
  const parts = sent
    ? [sent.name, trans._n('%1 file', '%1 files', sent.files)]
    : [trans.__('tarball %1', digest.slice(0, 7))];
  return [...parts, ...(size ? [formatSize(size)] : [])].join(', ');
}
