/** One typed control for each name in the notebook's parameters cell; what is left as it is takes the notebook's value. */
import type { ReactElement } from 'react';
import { useId } from 'react';

import type { Parameter } from '../../api/schemas';
import { selectSettable, formatDefault, withParameter } from '../../model/form';
import type { TranslationBundle } from '../../model/translation';
import { TextButton } from '../common/controls';
import { FieldGroup } from '../common/fields';
import type { FormPartProps } from '../../model/form';
import { useHost } from '../common/hostContext';
import { Picture } from '../common/Picture';

interface ParametersProps extends FormPartProps {
  /** values that something else decides, such as a control in the notebook: shown, not to be typed over */
  decided?: Record<string, unknown>;
}

export function ParameterFields({
  state,
  problems,
  preview,
  change,
  decided = {}
}: ParametersProps): ReactElement | null {
  const { trans } = useHost();
  if (!preview) {
    return null;
  }
  const parameters = selectSettable(preview);
  const declared = new Set(preview.parameters.map(({ name }) => name));
  const gone = Object.keys(state.parameters).filter(name => !declared.has(name) && !(name in decided));
  const none = preview.parameters.length === 0;
  const help = none
    ? trans.__(
        'Give a cell of assignments the tag “parameters” (Property Inspector, Cell Tags) to change its values here.'
      )
    : trans.__('Left as they are, they take the notebook’s values.');
  return (
    <FieldGroup name="parameters" label={trans.__('Parameters')} help={help} error={problems.parameters}>
      {parameters.length > 0 && (
        <div className="jp-Schedule-parameters">
          {parameters.map(parameter => (
            <ParameterControl
              key={parameter.name}
              parameter={parameter}
              value={state.parameters[parameter.name]}
              decided={parameter.name in decided}
              wrong={problems.parameters?.startsWith(`${parameter.name} `) ?? false}
              set={value => change(withParameter(state, parameter.name, value))}
            />
          ))}
        </div>
      )}
      {gone.map(name => (
        <p key={name} className="jp-Schedule-note">
          <Picture of="attention" />
          <span>{trans.__('The notebook has no parameter “%1” any more.', name)}</span>
          <TextButton
            onClick={() => change(withParameter(state, name, undefined))}
            aria-label={trans.__('Remove %1', name)}
          >
            {trans.__('Remove')}
          </TextButton>
        </p>
      ))}
      {preview.filled.length > 0 && (
        <p className="jp-Schedule-quiet">{trans.__('Filled by every run: %1', preview.filled.join(', '))}</p>
      )}
    </FieldGroup>
  );
}

interface ControlProps {
  parameter: Parameter;
  value: unknown;
  decided: boolean;
  wrong: boolean;
  /** undefined takes the notebook's value */
  set(value: unknown): void;
}

function ParameterControl({ parameter, value, decided, wrong, set }: ControlProps): ReactElement {
  const { trans } = useHost();
  const id = useId();
  return (
    <>
      <label htmlFor={id} title={parameter.help || undefined}>
        {parameter.name}
      </label>
      {parameter.type === 'boolean' ? (
        <input
          id={id}
          type="checkbox"
          aria-describedby={`${id}-type`}
          disabled={decided}
          checked={Boolean(value ?? parameter.default)}
          onChange={event => set(event.target.checked === parameter.default ? undefined : event.target.checked)}
        />
      ) : (
        <input
          id={id}
          className="jp-mod-styled"
          type={isDay(parameter) ? 'date' : 'text'}
          inputMode={parameter.type === 'integer' || parameter.type === 'number' ? 'decimal' : undefined}
          autoComplete="off"
          spellCheck={false}
          aria-describedby={`${id}-type`}
          aria-invalid={wrong || undefined}
          readOnly={decided}
          value={value === undefined ? formatDefault(parameter) : formatValue(value)}
          onChange={event => set(event.target.value === formatDefault(parameter) ? undefined : event.target.value)}
        />
      )}
      <span id={`${id}-type`} className="jp-Schedule-quiet" title={parameter.help || undefined}>
        {decided ? trans.__('from a control') : typeName(parameter, trans)}
      </span>
    </>
  );
}

/** A date without a time: only that fits the browser's date picker. */
function isDay({ type, default: value }: Parameter): boolean {
  return type === 'date' && typeof value === 'string' && value.length === 10;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function typeName({ type }: Parameter, trans: TranslationBundle): string {
  const names: Record<Parameter['type'], string> = {
    number: trans.__('number'),
    integer: trans.__('number'),
    text: trans.__('text'),
    boolean: trans.__('yes or no'),
    date: trans.__('date'),
    list: trans.__('list'),
    dict: trans.__('dictionary'),
    null: trans.__('empty'),
    expression: trans.__('computed')
  };
  return names[type];
}
