/** What was typed and not scheduled yet, one draft a notebook, kept by the browser. */
import type { FormState } from './form';

const PREFIX = 'jupyter-schedule:draft:';
const SHAPE = 1;

/** Drafts of one server; `scope` tells servers on one origin apart.  A browser that keeps nothing loses nothing else. */
export class Drafts {
  constructor(
    private readonly scope: string,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> = localStorage
  ) {}

  /** The draft for a notebook, on top of `fresh`; null without one. */
  load(notebook: string, fresh: FormState): FormState | null {
    try {
      const kept = JSON.parse(this.storage.getItem(this.key(notebook)) ?? 'null') as {
        shape?: number;
        state?: Partial<FormState>;
      } | null;
      return kept?.shape === SHAPE && kept.state ? { ...fresh, ...kept.state, notebook } : null;
    } catch {
      return null;
    }
  }

  save(notebook: string, state: FormState): void {
    try {
      this.storage.setItem(this.key(notebook), JSON.stringify({ shape: SHAPE, state }));
    } catch {
      // A full or forbidden storage costs the draft, never the form.
    }
  }

  drop(notebook: string): void {
    try {
      this.storage.removeItem(this.key(notebook));
    } catch {
      // As above.
    }
  }

  private key(notebook: string): string {
    return `${PREFIX}${this.scope}:${notebook}`;
  }
}
