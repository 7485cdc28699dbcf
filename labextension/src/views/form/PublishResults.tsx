/** Where results go, and who can read them: private unless the person says otherwise. */
import type { ReactElement } from 'react';
import { useId } from 'react';

import type { Form } from '../../api/schemas';
import type { TranslationBundle } from '../../model/translation';
import { CheckBox, FieldGroup } from '../common/fields';
import type { FormPartProps } from '../../model/form';
import { useHost } from '../common/hostContext';

type Visibility = Form['visibility'];

export function PublishResults({ state, problems, preview, change }: FormPartProps): ReactElement {
  const { trans } = useHost();
  const group = useId();
  const names: Record<Visibility, string> = {
    private: trans.__('Private'),
    public: trans.__('Public'),
    none: trans.__('Don’t publish')
  };
  const impossible = preview !== undefined && !preview.can_be_public;
  return (
    <FieldGroup
      name="visibility"
      label={trans.__('Publish results')}
      help={`${describeVisibility(state.visibility, preview?.destination ?? '', impossible, trans)} ${preview?.publishing_cost ?? ''}`.trim()}
      error={problems.visibility}
    >
      <div className="jp-Schedule-choices">
        {(Object.keys(names) as Visibility[]).map(value => (
          <label
            key={value}
            title={value === 'public' && impossible ? trans.__('No public area is set up here.') : undefined}
          >
            <input
              type="radio"
              name={group}
              value={value}
              checked={state.visibility === value}
              disabled={value === 'public' && impossible}
              onChange={() => change({ ...state, visibility: value, checkedPublic: false, wasPublic: false })}
            />
            <span>{names[value]}</span>
          </label>
        ))}
      </div>
      {state.visibility === 'public' && (
        <>
          <CheckBox
            checked={state.publish_report}
            change={checked => change({ ...state, publish_report: checked, checkedPublic: false, wasPublic: false })}
          >
            {trans.__('Also the notebook as run and its log, which show rows and errors')}
          </CheckBox>
          <CheckBox checked={state.checkedPublic} change={checked => change({ ...state, checkedPublic: checked })}>
            {trans.__('I checked what will be public')}
          </CheckBox>
        </>
      )}
    </FieldGroup>
  );
}

function describeVisibility(
  visibility: Visibility,
  destination: string,
  impossible: boolean,
  trans: TranslationBundle
): string {
  switch (visibility) {
    case 'public':
      return trans.__('Anyone on the internet can read these files. Aggregates are fine; raw data is not.');
    case 'none':
      return trans.__('Results stay with the run on this server.');
    case 'private': {
      const where = destination ? `${destination.charAt(0).toUpperCase()}${destination.slice(1)}.` : '';
      return impossible ? `${where} ${trans.__('No public area is set up here.')}` : where;
    }
  }
}
