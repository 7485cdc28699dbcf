/** The operator's channels that are notified, and the events. */
import type { ReactElement } from 'react';

import type { NotificationSettings } from '../../model/notifications';
import { NOTIFICATION_EVENTS, eventLabels, unite, toggle } from '../../model/notifications';
import { Field, FieldGroup, CheckBox } from '../common/fields';
import type { FormPartProps } from '../../model/form';
import { useHost } from '../common/hostContext';

export function NotificationFields({ state, problems, preview, change }: FormPartProps): ReactElement {
  const { trans } = useHost();
  const { notify } = state;
  const set = (changes: Partial<NotificationSettings>) => change({ ...state, notify: { ...notify, ...changes } });
  const channels = unite(preview?.channels ?? [], notify.channels);
  const labels = eventLabels(trans);
  const known = (name: string) => preview?.channels.includes(name) ?? true;
  return (
    <>
      <FieldGroup
        name="notify"
        label={trans.__('Notify')}
        help={
          channels.length > 0
            ? trans.__('Channels that the operator of the scheduler named. JupyterLab tells you in any case.')
            : trans.__('The operator of the scheduler has named no channels. JupyterLab tells you in any case.')
        }
        error={problems.notify}
      >
        {channels.map(name => (
          <CheckBox
            key={name}
            checked={notify.channels.includes(name)}
            change={on => set({ channels: toggle(channels, notify.channels, name, on) })}
          >
            {known(name) ? name : trans.__('%1, which is gone', name)}
          </CheckBox>
        ))}
      </FieldGroup>
      {notify.channels.length > 0 && (
        <FieldGroup label={trans.__('Notify when')}>
          {NOTIFICATION_EVENTS.map(event => (
            <CheckBox
              key={event}
              checked={notify.on.includes(event)}
              change={on => set({ on: toggle(NOTIFICATION_EVENTS, notify.on, event, on) })}
            >
              {labels[event]}
            </CheckBox>
          ))}
        </FieldGroup>
      )}
      <Field
        name="silence_by"
        label={trans.__('Alert if nothing is published by')}
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
