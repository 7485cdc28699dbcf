/** A file that a failed run looked for in vain, and the mend when it is there now. */
import { useEffect, useState } from 'react';

import type { Form, Run, RunDetails, Schedule } from '../../api/schemas';
import { mergePatch } from '../../model/patch';
import type { Client } from '../../api/client';
import { findMissingName, isOpen } from '../../model/runs';
import { resolveBeside } from '../../model/views';
import { isSent } from '../../model/form';
import { useHost } from '../common/hostContext';

export interface MissingFile {
  /** as the notebook names it */
  named: string;
  /** relative to Jupyter's root */
  path: string;
  /** Add the file, and run; null where the file doesn't exist here either. */
  apply: (() => Promise<Run>) | null;
}

export function useMissingFile(run: RunDetails): MissingFile | null {
  const { api, save } = useHost();
  const [missing, setMissing] = useState<MissingFile | null>(null);
  const named = findMissingName(run);
  useEffect(() => {
    setMissing(null);
    if (named === null) {
      return;
    }
    const asking = new AbortController();
    find(named, asking.signal).then(setMissing, () => undefined);
    return () => asking.abort();

    async function find(named: string, signal: AbortSignal): Promise<MissingFile | null> {
      const schedule = await api.schedule(run.schedule, signal);
      const { notebook } = schedule.form;
      const path = notebook === null ? null : resolveBeside(notebook, named);
      if (path === null) {
        return null;
      }
      const form = addFile(schedule.form, path);
      const { files } = await api.preview(form, schedule.name, signal);
      const there = files.some(file => file.path === path && isSent(file));
      return { named, path, apply: there ? () => apply(schedule, form) : null };
    }

    async function apply({ name, form: before, version }: Schedule, form: Form): Promise<Run> {
      await save?.(before.notebook!);
      return runEdited(api, await api.edit(name, mergePatch(before, form), version, true));
    }
  }, [api, save, named, run.schedule]);
  return missing;
}

/** The run of what a schedule does after an edit: one that waits for its first success has got one by the edit. */
export async function runEdited(api: Client, edited: Schedule): Promise<Run> {
  const first = edited.state === 'rehearsing' ? edited.last_runs.find(isOpen) : undefined;
  return first ?? api.runNow(edited.name);
}

function addFile(form: Form, path: string): Form {
  return { ...form, files: [...form.files, path], left_out: form.left_out.filter(other => other !== path) };
}
