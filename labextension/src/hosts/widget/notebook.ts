/** The notebook that the widget is in, as far as the page around it gives it away. */
import type { WidgetModel } from './traits';

/** The part of JupyterLab's document context that we use; its widget manager has one in a notebook, none in a console. */
interface DocumentContext {
  path: string;
  localPath?: string;
  model: { dirty: boolean; stateChanged?: Signal<unknown> };
  contentsModel?: { writable?: boolean } | null;
  save(): Promise<void>;
  saveState?: Signal<string>;
}

interface Signal<T> {
  connect(slot: (sender: unknown, value: T) => void): void;
  disconnect(slot: (sender: unknown, value: T) => void): void;
}

/** An open notebook. */
export interface OpenNotebook {
  /** Relative to the server's root, right also after a renaming. */
  readonly path: string;
  /** Write unsaved edits to disk; answers whether there were any. */
  save(): Promise<boolean>;
  /** Tell `listener` now and on every change whether there are unsaved edits; the answer ends that. */
  watchUnsaved(listener: (unsaved: boolean) => void): () => void;
  /** Call `listener` after every save; the answer ends that. */
  onSaved(listener: () => void): () => void;
}

/** The notebook around the widget; null where the host doesn't show it to widgets. */
export function findOpenNotebook(model: WidgetModel): OpenNotebook | null {
  const context = (model.widget_manager as { context?: DocumentContext } | undefined)?.context;
  if (typeof context?.path !== 'string' || typeof context.save !== 'function') {
    return null;
  }
  return {
    get path() {
      return stripDrive(context.localPath ?? context.path);
    },
    save: async () => {
      if (!context.model.dirty || context.contentsModel?.writable === false) {
        return false;
      }
      await context.save();
      return true;
    },
    watchUnsaved: listener => {
      const tell = () => listener(context.model.dirty);
      tell();
      context.model.stateChanged?.connect(tell);
      return () => context.model.stateChanged?.disconnect(tell);
    },
    onSaved: listener => {
      const slot = (_: unknown, state: string) => {
        if (state === 'completed') {
          listener();
        }
      };
      context.saveState?.connect(slot);
      return () => context.saveState?.disconnect(slot);
    }
  };
}

/** A shared document's path begins with its drive, `RTC:`. */
export function stripDrive(path: string): string {
  return path.replace(/^RTC:/, '');
}
