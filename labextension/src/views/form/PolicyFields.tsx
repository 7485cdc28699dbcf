/** The bounds of a schedule, and what happens after failures. */
import type { ReactElement } from 'react';

import { POLICIES, utcDay, policyLabels, withDay, withNumber } from '../../model/policies';
import { Field } from '../common/fields';
import type { FormPartProps } from '../../model/form';
import { useHost } from '../common/hostContext';

export function PolicyFields({ state, problems, change }: FormPartProps): ReactElement {
  const { trans } = useHost();
  const labels = policyLabels(trans);
  const { policies } = state;
  return (
    <>
      {POLICIES.map(name => (
        <Field key={name} name={name} label={labels[name].label} help={labels[name].help} error={problems[name]}>
          {described =>
            name === 'start' || name === 'end' ? (
              <input
                {...described}
                className="jp-mod-styled"
                type="date"
                value={utcDay(policies[name])}
                onChange={event => change({ ...state, policies: withDay(policies, name, event.target.value) })}
              />
            ) : (
              <input
                {...described}
                className="jp-mod-styled jp-Schedule-short"
                inputMode="numeric"
                autoComplete="off"
                value={policies[name] ?? ''}
                onChange={event => change({ ...state, policies: withNumber(policies, name, event.target.value) })}
              />
            )
          }
        </Field>
      ))}
    </>
  );
}
