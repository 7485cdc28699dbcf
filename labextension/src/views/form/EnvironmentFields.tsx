/** The surroundings of a run: its kernel, its packages, its variables, and the files of earlier runs. */
import type { ReactElement } from 'react';
import { useEffect, useState } from 'react';

import type { Form, KernelChoice } from '../../api/schemas';
import type { FormPartProps } from '../../model/form';
import { Field, LinesField } from '../common/fields';
import { useHost } from '../common/hostContext';

export function EnvironmentFields({ state, problems, preview, change }: FormPartProps): ReactElement {
  const { trans } = useHost();
  const kernels = useKernels();
  const picked = kernels.some(({ name }) => name === state.kernel);
  const source = preview?.requirements_source;
  return (
    <>
      {state.notebook !== null && (
        <Field
          name="kernel"
          label={trans.__('Kernel')}
          help={trans.__('Where the notebook’s code runs.')}
          error={problems.kernel}
        >
          {described => (
            <select
              {...described}
              className="jp-mod-styled"
              value={state.kernel ?? ''}
              onChange={event => change({ ...state, kernel: event.target.value || null })}
            >
              <option value="">{trans.__('The notebook’s own')}</option>
              {state.kernel && !picked && (
                <option value={state.kernel}>{trans.__('%1, not here', state.kernel)}</option>
              )}
              {kernels.map(({ name, display_name }) => (
                <option key={name} value={name}>
                  {display_name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Field
        name="environment"
        label={trans.__('Packages')}
        help={
          source
            ? trans.__('Requirements are taken from %1.', source)
            : trans.__('A fresh environment is made of requirements.txt or the like beside the notebook.')
        }
        error={problems.environment}
      >
        {described => (
          <select
            {...described}
            className="jp-mod-styled"
            value={state.environment}
            onChange={event => change({ ...state, environment: event.target.value as Form['environment'] })}
          >
            <option value="kernel">{trans.__('Those of the kernel')}</option>
            <option value="fresh">{trans.__('A fresh environment of the requirements')}</option>
          </select>
        )}
      </Field>
      <LinesField
        name="env"
        label={trans.__('Environment variables')}
        help={trans.__('Names, one a line: a run takes their values over from the scheduler.')}
        error={problems.env}
        lines={state.env}
        set={env => change({ ...state, env })}
      />
      <LinesField
        name="previous"
        label={trans.__('Previous files')}
        help={trans.__('Patterns, one a line, such as *.csv: what earlier runs published, in PREVIOUS_DIR.')}
        error={problems.previous}
        lines={state.previous}
        set={previous => change({ ...state, previous })}
      />
    </>
  );
}

/** The kernels that there are; none until that is known. */
function useKernels(): KernelChoice[] {
  const { api } = useHost();
  const [kernels, setKernels] = useState<KernelChoice[]>([]);
  useEffect(() => {
    const asking = new AbortController();
    // without an answer the notebook's own is left
    api.kernels(asking.signal).then(setKernels, () => undefined);
    return () => asking.abort();
  }, [api]);
  return kernels;
}
