/** The known mend of a failed run: a file that the notebook reads, that is there now, and that wasn't sent. */
import { useEffect, useState } from 'react';

import type { Run, RunDetails, Schedule } from '../api/shapes';
import { useHost } from './host';

export interface Mend {
  path: string;
  /** Add the file, and run. */
  apply(): Promise<Run>;
}

export function useMissingFile(run: RunDetails): Mend | null {
  const { api } = useHost();
  const [mend, setMend] = useState<Mend | null>(null);
  const missing = /FileNotFoundError|No such file/.test(`${run.failure?.kind} ${run.message}`);
  useEffect(() => {
    if (!missing) {
      return;
    }
    const asking = new AbortController();
    find(asking.signal).then(setMend, () => undefined);
    return () => asking.abort();

    async function find(signal: AbortSignal): Promise<Mend | null> {
      const schedule = await api.schedule(run.schedule, signal);
      const preview = await api.preview(schedule.form, schedule.name, signal);
      const fixes = preview.findings.map(({ fix }) => fix).filter(fix => fix !== null);
      const path = fixes.find(fix => run.message?.includes(fix.split('/').pop()!));
      return path ? { path, apply: () => apply(schedule, path) } : null;
    }

    async function apply({ name, form, version }: Schedule, path: string): Promise<Run> {
      await api.edit(name, { files: [...form.files, path] }, version, true);
      return api.runNow(name);
    }
  }, [api, missing, run.run_id, run.schedule, run.message]);
  return mend;
}
