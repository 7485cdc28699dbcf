/** Where the panel is, and how that is written into a link. */
import type { Field } from './form';

/** `schedule` edits, `from` copies another; else a new one, without a notebook of a tarball. */
interface FormPlace {
  at: 'form';
  notebook: string | null;
  tarball?: true;
  schedule?: string;
  from?: string;
  /** the field that is looked at first */
  field?: Field;
  /** the notebook was saved for this */
  saved?: boolean;
}

export type View =
  | { at: 'list'; chip?: 'failing' | 'running' | 'paused' }
  | FormPlace
  | { at: 'history'; schedule: string }
  | { at: 'versions'; schedule: string }
  | { at: 'run'; run: string; schedule?: string; created?: boolean };

/** The view as a fragment: `run/6f1c…`, `schedule/bikes_report`, `new/folder/report.ipynb`, empty for the list. */
export function toFragment(view: View): string {
  switch (view.at) {
    case 'list':
      return view.chip ? `list/${view.chip}` : '';
    case 'form':
      if (view.schedule) {
        return `edit/${encode(view.schedule)}`;
      }
      return view.tarball ? 'tarball' : `new/${encode(view.notebook ?? '')}`;
    case 'history':
      return `schedule/${encode(view.schedule)}`;
    case 'versions':
      return `versions/${encode(view.schedule)}`;
    case 'run':
      return `run/${encode(view.run)}`;
  }
}

/** The view that a fragment means; the list for anything unknown. */
export function fromFragment(fragment: string): View {
  const [kind = '', ...rest] = fragment.split('/');
  const value = decode(rest.join('/'));
  switch (kind) {
    case 'schedule':
      return value ? { at: 'history', schedule: value } : { at: 'list' };
    case 'versions':
      return value ? { at: 'versions', schedule: value } : { at: 'list' };
    case 'run':
      return value ? { at: 'run', run: value } : { at: 'list' };
    case 'edit':
      return value ? { at: 'form', notebook: null, schedule: value } : { at: 'list' };
    case 'new':
      return { at: 'form', notebook: value || null };
    case 'tarball':
      return { at: 'form', notebook: null, tarball: true };
    case 'list':
      return value === 'failing' || value === 'running' || value === 'paused'
        ? { at: 'list', chip: value }
        : { at: 'list' };
    default:
      return { at: 'list' };
  }
}

/** The path that a notebook means by `name`, relative to Jupyter's root; null for one outside of it. */
export function resolveBeside(notebook: string, name: string): string | null {
  if (name.startsWith('/') || name.startsWith('~')) {
    return null;
  }
  const parts = notebook.split('/').slice(0, -1);
  for (const part of name.split('/')) {
    if (part === '..' && parts.pop() === undefined) {
      return null;
    }
    if (part && part !== '.' && part !== '..') {
      parts.push(part);
    }
  }
  return parts.join('/') || null;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.split('/').pop() ?? path;
}

function encode(text: string): string {
  return text.split('/').map(encodeURIComponent).join('/');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
