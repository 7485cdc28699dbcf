/** Versions of a schedule beside each other, in words. */
import type { CellDifference, Difference, FileChange, Version } from '../api/schemas';
import type { TranslationBundle } from './translation';

/** The two that are compared; `after` null is the notebook as it is now. */
export interface Side {
  before: number;
  after: number | null;
}

/** The comparison that is shown first: the version in use beside the notebook, where there is one; else beside the one before. */
export function chooseSides(versions: readonly Version[], notebook: boolean): Side {
  const [current, previous] = versions.map(({ version }) => version) as [number, number?];
  return notebook ? { before: current, after: null } : { before: previous ?? current, after: current };
}

/** The difference in one line: `2 cells differ`, `Nothing in the code differs`. */
export function describeDifference(difference: Difference, trans: TranslationBundle): string {
  const { state, cells, more, kernels, files, message } = difference;
  const total = cells.length + more;
  switch (state) {
    case 'gone':
    case 'unreadable':
      return message ?? '';
    case 'none':
      return trans.__('There is no notebook here to compare with.');
    case 'same':
      return difference.after ? trans.__('The code is the same.') : trans.__('The notebook is as it was scheduled.');
    case 'differs': {
      const parts = [];
      if (total > 0) {
        parts.push(trans._n('%1 cell differs', '%1 cells differ', total));
      }
      if (kernels) {
        parts.push(trans.__('the kernel was %1 and is %2', kernels[0], kernels[1]));
      }
      if (files.length > 0) {
        parts.push(trans._n('%1 other file differs', '%1 other files differ', files.length));
      }
      return `${parts.join(', ')}.`;
    }
  }
}

/** `Cell 2 changed`, `Text added`. */
export function titleCell({ kind, type, number, tags }: CellDifference, trans: TranslationBundle): string {
  const what =
    number !== null ? trans.__('Cell %1', number) : type === 'markdown' ? trans.__('Text') : trans.__('Raw cell');
  const did: Record<string, string> = {
    added: trans.__('%1 added', what),
    removed: trans.__('%1 removed', what),
    changed: trans.__('%1 changed', what)
  };
  const nothing = trans.__('none');
  const tagged = tags ? trans.__('; its tags were %1 and are %2', tags[0] || nothing, tags[1] || nothing) : '';
  return (did[kind] ?? what) + tagged;
}

/** The sign of a line, for those who don't see its colour. */
export function markLine(kind: string): string {
  return { added: '+', removed: '-' }[kind] ?? ' ';
}

export function describeFileChange({ kind }: FileChange, trans: TranslationBundle): string {
  return { added: trans.__('added'), removed: trans.__('removed') }[kind] ?? trans.__('changed');
}
