/** Sending the form: refused here when a field is wrong, repeated safely when the server went away in the middle. */
import { useRef, useState } from 'react';

import type { Problem } from '../../api/problem';
import { asProblem } from '../../api/problem';
import type { CreateSchedule, Form, Schedule } from '../../api/schemas';
import type { Problems } from '../../model/form';
import { groupByField } from '../../model/form';
import { mergePatch, isSame } from '../../model/patch';
import { useHost } from '../common/hostContext';

/** Choices for the moment when it is recorded. */
export interface SubmitOptions {
  runNow: boolean;
  onceOnly: boolean;
  /** the run now has to succeed before others follow: where runs cost money it is a rehearsal */
  rehearse?: boolean;
  firstRun?: boolean;
}

export interface Submit {
  busy: boolean;
  /** every problem is to be shown, also of fields that nobody touched */
  tried: boolean;
  /** grows with every try that a field's problem stopped */
  failures: number;
  /** the server's refusals, by field */
  refused: Problems;
  /** its refusal or failure as a whole */
  problem: Problem | null;
  send(found: Problems, how: SubmitOptions): void;
  /** Say that the form was edited, so that old refusals go. */
  edited(): void;
  /** Save over what somebody else has saved meanwhile. */
  keepMine(): void;
}

interface SubmitInput {
  wire: Form;
  /** what will be public was looked at, as this person says */
  confirmed: boolean;
  /** digest of a bundle that was made of this very form */
  bundle: string | null;
  editing?: Schedule;
  rebundle: boolean;
  done(schedule: Schedule): void;
}

export function useSubmit({ wire, confirmed, bundle, editing, rebundle, done }: SubmitInput): Submit {
  const { api, save } = useHost();
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const [failures, setFailures] = useState(0);
  const [refused, setRefused] = useState<Problems>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  /** the last request, sent again to the letter as long as the form is the same: it never records a second schedule */
  const last = useRef<{ of: unknown; key: string; request: CreateSchedule } | null>(null);

  const create = async (how: SubmitOptions) => {
    const wasUnsaved = wire.notebook !== null && ((await save?.(wire.notebook)) ?? false);
    const of = {
      form: wire,
      run_now: how.runNow,
      once_only: how.onceOnly,
      ...(confirmed && { public_confirmed: true as const }),
      ...(how.rehearse !== undefined && { rehearse: how.rehearse }),
      ...(how.firstRun && { first_run: true as const })
    };
    const again = last.current !== null && isSame(last.current.of, of);
    if (!again) {
      last.current = { of, key: randomKey(), request: { ...of, bundle: wasUnsaved ? null : bundle } };
    }
    const made = await api.create(last.current!.request, last.current!.key);
    // What was saved since the first try isn't in that request.
    return again && wasUnsaved && !how.onceOnly ? api.edit(made.name, {}, made.version, true) : made;
  };
  const edit = async (version: number) => {
    if (rebundle && wire.notebook !== null) {
      await save?.(wire.notebook);
    }
    return api.edit(editing!.name, mergePatch(editing!.form, wire), version, rebundle, confirmed);
  };
  const carryOut = (work: () => Promise<Schedule>) => {
    setBusy(true);
    setProblem(null);
    work()
      .then(done)
      .catch((error: unknown) => {
        const failed = asProblem(error);
        const fields = failed.field ? groupByField([{ ...failed, message: failed.message }], wire.frequency.kind) : {};
        if (failed.field && !fields.form) {
          setRefused(fields);
          setFailures(count => count + 1);
        } else {
          setProblem(failed);
        }
      })
      .finally(() => setBusy(false));
  };
  return {
    busy,
    tried,
    failures,
    refused,
    problem,
    send: (found, how) => {
      setTried(true);
      if (Object.keys(found).length > 0) {
        setFailures(count => count + 1);
      } else if (!busy) {
        carryOut(() => (editing ? edit(editing.version) : create(how)));
      }
    },
    edited: () => {
      setRefused({});
      setProblem(null);
    },
    keepMine: () => carryOut(async () => edit((await api.schedule(editing!.name)).version))
  };
}

/** 128 random bits; `crypto.randomUUID` is missing where the page isn't served over HTTPS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
}
