/** Which of the operator's channels are told, and of what. */
import type { ReactElement } from 'react';

import type { Notify } from '../../model/notifications';
import { OCCASIONS, occasionLabels, offered, toggled } from '../../model/notifications';
import { Field, FieldGroup, Box } from '../common/fields';
import type { PartProps } from '../../model/form';
import { useHost } from '../common/hostContext';

export function NotifyFields({ state, problems, preview, change }: PartProps): ReactElement {
  const { trans } = useHost();
  const { notify } = state;
  const set = (changes: Partial<Notify>) => change({ ...state, notify: { ...notify, ...changes } });
  const channels = offered(preview?.channels ?? [], notify.channels);
  const labels = occasionLabels(trans);
  const known = (name: string) => preview?.channels.includes(name) ?? true;
  return (
    <>
      <FieldGroup
        name="notify"
        label={trans.__('Send word to')}
        help={
          channels.length > 0
            ? trans.__('Channels that the operator of the scheduler named. JupyterLab tells you in any case.')
            : trans.__('The operator of the scheduler has named no channels. JupyterLab tells you in any case.')
        }
        error={problems.notify}
      >
        {channels.map(name => (
          <Box
            key={name}
            checked={notify.channels.includes(name)}
            change={on => set({ channels: toggled(channels, notify.channels, name, on) })}
          >
            {known(name) ? name : trans.__('%1, which is gone', name)}
          </Box>
        ))}
      </FieldGroup>
      {notify.channels.length > 0 && (
        <FieldGroup label={trans.__('Send word when')}>
          {OCCASIONS.map(occasion => (
            <Box
              key={occasion}
              checked={notify.on.includes(occasion)}
              change={on => set({ on: toggled(OCCASIONS, notify.on, occasion, on) })}
            >
              {labels[occasion]}
            </Box>
          ))}
        </FieldGroup>
      )}
      <Field
        name="silence_by"
        label={trans.__('Something is published by')}
        help={trans.__(
          'A time of day in the schedule’s zone. If it was due and nothing succeeded by then, that is told.'
        )}
        error={problems.silence_by}
      >
        {described => (
          <input
            {...described}
            className="jp-mod-styled"
            type="time"
            value={notify.silence_by ?? ''}
            onChange={event => set({ silence_by: event.target.value || null })}
          />
        )}
      </Field>
    </>
  );
}
