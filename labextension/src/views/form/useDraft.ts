/** The form that one starts with: a draft is kept until it is saved or thrown away. */
import { useState } from 'react';

import type { Form, Schedule } from '../../api/schemas';
import { keyOfEdit } from '../../model/drafts';
import type { FormState } from '../../model/form';
import { fromWire, createForm, toWire } from '../../model/form';
import { isSame } from '../../model/patch';
import { useHost } from '../common/hostContext';

export interface Draft {
  start: FormState;
  restored: boolean;
  keep(state: FormState): void;
  drop(): void;
  /** Forget what was typed; answers a fresh form. */
  startOver(): FormState;
}

/** The form's first state: what is edited, what was preset, what was typed before, or the defaults. */
export function useDraft(
  notebook: string | null,
  editing: Schedule | undefined,
  presets: Partial<Form> | undefined
): Draft {
  const { drafts, now } = useHost();
  const kept = !presets;
  const key = editing ? keyOfEdit(editing) : (notebook ?? '');
  const fresh = () => (editing ? fromWire(editing.form, now()) : createForm(notebook, now()));
  const first = (): { start: FormState; restored: boolean } => {
    if (presets) {
      const start = fromWire({ ...toWire(fresh()), ...presets, notebook }, now());
      return { start: { ...start, wasPublic: !!editing && start.wasPublic }, restored: false };
    }
    const draft = drafts.load(key, fresh());
    return { start: draft ?? fresh(), restored: draft !== null };
  };
  const [{ start, restored }, setFirst] = useState(first);
  return {
    start,
    restored,
    keep: state => kept && (isSame(state, fresh()) ? drafts.drop(key) : drafts.save(key, state)),
    drop: () => kept && drafts.drop(key),
    startOver: () => {
      drafts.drop(key);
      setFirst({ start: fresh(), restored: false });
      return fresh();
    }
  };
}
