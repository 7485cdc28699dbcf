/** The code tarball: its size, the checks' findings, and the way to look into it. */
import type { ReactElement } from 'react';
import { Suspense, lazy, useState } from 'react';

import type { Finding, Preview } from '../../api/schemas';
import { TARBALL_FIELDS, findProblem, isSent, withFile } from '../../model/form';
import { formatSize } from '../../model/format';
import { Button, TextButton } from '../common/controls';
import { FieldGroup } from '../common/fields';
import type { FormPartProps } from '../../model/form';
import { useHost } from '../common/hostContext';
import { Picture } from '../common/Picture';

// What few use is loaded when somebody does.
const OwnTarball = lazy(() => import('./OwnTarball').then(({ OwnTarball }) => ({ default: OwnTarball })));

/** findings that are shown without asking */
const MOST = 6;

export function CodeTarball({
  notebook,
  review,
  ...part
}: FormPartProps & { notebook: string | null; review(): void }): ReactElement {
  const { state, problems, preview, change } = part;
  const { trans, uploads } = useHost();
  const [wanted, setWanted] = useState(false);
  const own = state.notebook === null;
  return (
    <FieldGroup
      name={TARBALL_FIELDS.join(' ')}
      label={trans.__('Code tarball')}
      help={own ? undefined : trans.__('As they are now: later edits don’t change the schedule.')}
      error={findProblem(problems, TARBALL_FIELDS)}
    >
      {!own && (
        <div className="jp-Schedule-row jp-mod-apart">
          <span>{preview ? describeContents(preview, trans) : trans.__('Looking at the notebook…')}</span>
          <Button className="jp-mod-small" onClick={review} aria-haspopup="dialog" disabled={!preview}>
            {trans.__('Review files')}
          </Button>
        </div>
      )}
      {own || wanted ? (
        <Suspense fallback={null}>
          <OwnTarball {...part} notebook={notebook} />
        </Suspense>
      ) : (
        uploads && <TextButton onClick={() => setWanted(true)}>{trans.__('Use a tarball of your own')}</TextButton>
      )}
      {preview && (
        <ul className="jp-Schedule-findings">
          {selectFindings(preview).map(finding => (
            <FindingRow
              key={`${finding.code} ${finding.message}`}
              finding={finding}
              add={path => change(withFile(state, path))}
            />
          ))}
        </ul>
      )}
    </FieldGroup>
  );
}

/** `2 files, 17 kB · Python 3.11`. */
function describeContents(preview: Preview, trans: ReturnType<typeof useHost>['trans']): string {
  const count = preview.files.filter(isSent).length;
  const files = trans._n('%1 file', '%1 files', count);
  const python = preview.python_version ? ` · Python ${preview.python_version}` : '';
  return `${files}${preview.size ? `, ${formatSize(preview.size)}` : ''}${python}`;
}

/** The findings that need a look first, then those that are fine. */
function selectFindings(preview: Preview): Finding[] {
  const weight = (finding: Finding) => (finding.level === 'ok' ? 1 : 0);
  return [...preview.findings].sort((one, other) => weight(one) - weight(other)).slice(0, MOST);
}

/** What needs a look before a run, beside the button that starts it: how much that is, and what. */
export function Attention({ state, preview, change }: FormPartProps): ReactElement | null {
  const { trans } = useHost();
  const [open, setOpen] = useState(false);
  const found = preview?.findings.filter(finding => finding.level !== 'ok') ?? [];
  if (found.length === 0) {
    return null;
  }
  return (
    <details className="jp-Schedule-attention" open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        <Picture of="attention" /> {trans._n('%1 thing to look at', '%1 things to look at', found.length)}
      </summary>
      {open && (
        <ul className="jp-Schedule-findings" tabIndex={0} aria-label={trans.__('Things to look at')}>
          {found.map(finding => (
            <FindingRow
              key={`${finding.code} ${finding.message}`}
              finding={finding}
              add={path => change(withFile(state, path))}
            />
          ))}
        </ul>
      )}
    </details>
  );
}

function FindingRow({ finding, add }: { finding: Finding; add(path: string): void }): ReactElement {
  const { trans } = useHost();
  const fine = finding.level === 'ok';
  const { fix } = finding;
  return (
    <li data-role={fine ? 'success' : 'warning'}>
      <Picture of={fine ? 'succeeded' : 'attention'} />
      <span>
        <span className="jp-Schedule-hidden">{fine ? trans.__('Fine:') : trans.__('Attention:')} </span>
        {finding.message}
      </span>
      {!fine && fix && (
        <TextButton onClick={() => add(fix)} aria-label={trans.__('Add %1', fix)}>
          {trans.__('Add')}
        </TextButton>
      )}
    </li>
  );
}
