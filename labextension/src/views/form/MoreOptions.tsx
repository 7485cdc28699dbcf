/** The fields that most schedules leave as they are, behind a fold that says the most important of them. */
import type { ReactElement } from 'react';
import { Suspense, lazy, useEffect, useRef, useState } from 'react';

import type { Field, FormPartProps } from '../../model/form';
import { BEHIND_FOLD } from '../../model/form';
import { overlapLabels } from '../../model/policies';
import type { TranslationBundle } from '../../model/translation';
import { Waiting } from '../common/messages';
import { useHost } from '../common/hostContext';

// What few open is loaded when somebody does.
const MoreFields = lazy(() => import('./MoreFields').then(({ MoreFields }) => ({ default: MoreFields })));

interface Props extends FormPartProps {
  /** the field that is looked at first, when it is one of these */
  sought?: Field;
}

export function MoreOptions({ sought, ...part }: Props): ReactElement {
  const { state, problems } = part;
  const { trans } = useHost();
  // of a tarball the command isn't here
  const here = BEHIND_FOLD.filter(name => name !== 'command' || state.notebook !== null);
  const wanted = here.some(name => problems[name] || sought === name);
  const [opened, setOpened] = useState(false);
  const fold = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (wanted) {
      fold.current!.open = true;
    }
  }, [wanted]);
  return (
    <details ref={fold} className="jp-Schedule-more" onToggle={() => setOpened(true)}>
      <summary>
        {trans.__('More options')}
        <span className="jp-Schedule-quiet"> {summarize(state, trans)}</span>
      </summary>
      {(opened || wanted) && (
        <Suspense fallback={<Waiting />}>
          <MoreFields {...part} sought={sought} />
        </Suspense>
      )}
    </details>
  );
}

/** `timeout 120 min · UTC`: what is behind the fold. */
function summarize({ timeout_minutes, frequency, overlap }: FormPartProps['state'], trans: TranslationBundle): string {
  return [
    trans.__('timeout %1 min', timeout_minutes),
    frequency.timezone,
    overlapLabels(trans)[overlap].toLowerCase()
  ].join(' · ');
}
