/** Forms that were typed and not saved yet, kept by the browser: one draft for a new schedule of a notebook, one for each edit. */
import type { Schedule } from '../api/schemas';
import type { FormState } from './form';

const PREFIX = 'jupyter-schedule:draft:';
const DRAFT_VERSION = 2;

/** The key of an edit's draft: of another version it would be another edit. */
export function keyOfEdit({ id, version }: Schedule): string {
  return `${id}@${version}`;
}

/** Drafts of one server; `scope` tells servers on one origin apart.  A browser that keeps nothing loses nothing else. */
export class Drafts {
  constructor(
    private readonly scope: string,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> = localStorage
  ) {}

  /** The draft of what `key` names (a notebook, or `editOf`), on top of `fresh`; null without one. */
  load(key: string, fresh: FormState): FormState | null {
    try {
      const kept = JSON.parse(this.storage.getItem(this.key(key)) ?? 'null') as {
        shape?: number;
        state?: Partial<FormState>;
      } | null;
      return kept?.shape === DRAFT_VERSION && kept.state
        ? { ...fresh, ...kept.state, notebook: kept.state.tarball ? null : fresh.notebook }
        : null;
    } catch {
      return null;
    }
  }

  save(key: string, state: FormState): void {
    try {
      this.storage.setItem(this.key(key), JSON.stringify({ shape: DRAFT_VERSION, state }));
    } catch {
      // A full or forbidden storage costs the draft, never the form.
    }
  }

  drop(key: string): void {
    try {
      this.storage.removeItem(this.key(key));
    } catch {
      // As above.
    }
  }

  private key(key: string): string {
    return `${PREFIX}${this.scope}:${key}`;
  }
}
