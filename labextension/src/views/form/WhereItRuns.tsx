/** Where runs take place: on this computer, or each on a fresh machine of a size that an operator set up, in a role. */
import type { ReactElement } from 'react';
import { useId } from 'react';

import type { Preview, ComputeChoice } from '../../api/schemas';
import { COMPUTE_FIELDS, findProblem } from '../../model/form';
import { unite } from '../../model/notifications';
import { Field, FieldGroup } from '../common/fields';
import type { FormPartProps } from '../../model/form';
import { useHost } from '../common/hostContext';

export function WhereItRuns(props: FormPartProps & { preview: Preview }): ReactElement {
  const { state, problems, preview, change } = props;
  const { trans } = useHost();
  const group = useId();
  const chosen = preview.workers.find(
    worker => worker.launcher === state.launcher && [worker.size, null].includes(state.size)
  );
  const roles = chosen?.data_roles ?? [];
  return (
    <>
      <FieldGroup
        name={COMPUTE_FIELDS.join(' ')}
        label={trans.__('Where it runs')}
        help={
          chosen?.paid
            ? trans.__('A fresh machine for each run, which ends with it.')
            : trans.__('Beside the scheduler, at no cost of its own.')
        }
        error={findProblem(problems, COMPUTE_FIELDS)}
      >
        <div className="jp-Schedule-workers">
          {preview.workers.map(worker => (
            <label key={`${worker.launcher} ${worker.size}`}>
              <input
                type="radio"
                name={group}
                checked={worker === chosen}
                onChange={() =>
                  change({
                    ...state,
                    launcher: worker.launcher,
                    size: worker.size,
                    data_role: keepRole(worker, state.data_role)
                  })
                }
              />
              <span>{nameChoice(worker)}</span> <span className="jp-Schedule-quiet">{worker.hardware}</span>
            </label>
          ))}
        </div>
      </FieldGroup>
      {(roles.length > 0 || state.data_role !== null) && <RoleField {...props} roles={roles} />}
      {chosen?.paid && <Cost {...props} />}
    </>
  );
}

/** The analysis may do nothing in the cloud, or as much as one of the operator's roles. */
function RoleField({ state, problems, change, roles }: FormPartProps & { roles: readonly string[] }): ReactElement {
  const { trans } = useHost();
  const role = state.data_role;
  return (
    <Field
      name="data_role"
      label={trans.__('Role for data')}
      help={trans.__('For data that isn’t open to everybody. The operator says what each role may read and write.')}
      error={problems.data_role}
    >
      {described => (
        <select
          {...described}
          className="jp-mod-styled"
          value={role ?? ''}
          onChange={event => change({ ...state, data_role: event.target.value || null })}
        >
          <option value="">{trans.__('None')}</option>
          {unite(roles, role === null ? [] : [role]).map(name => (
            <option key={name} value={name}>
              {roles.includes(name) ? name : trans.__('%1, which is gone', name)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Cost({ state, problems, preview, change }: FormPartProps & { preview: Preview }): ReactElement {
  const { trans } = useHost();
  const { policies } = state;
  return (
    <>
      <p className="jp-Schedule-note">
        <span>
          {preview.estimate?.text ?? trans.__('What it costs isn’t known: an operator can have the prices fetched.')}
        </span>
      </p>
      <Field
        name="monthly_cap"
        label={trans.__('Monthly cap (dollars)')}
        help={trans.__('It is paused when its runs of a month have cost so much. Empty: no cap.')}
        error={problems.monthly_cap}
      >
        {described => (
          <input
            {...described}
            className="jp-mod-styled jp-Schedule-short"
            inputMode="decimal"
            autoComplete="off"
            value={policies.monthly_cap ?? ''}
            onChange={event =>
              change({ ...state, policies: { ...policies, monthly_cap: event.target.value.trim() || null } })
            }
          />
        )}
      </Field>
    </>
  );
}

/** The role for data that a schedule keeps when it moves to `worker`. */
function keepRole({ data_roles }: ComputeChoice, role: string | null): string | null {
  return role !== null && data_roles.includes(role) ? role : null;
}

/** `This computer`. */
function nameChoice({ title, size }: ComputeChoice): string {
  return size === null ? title.charAt(0).toUpperCase() + title.slice(1) : title;
}
