/**
 * A button with a menu of actions: arrow keys, Escape, and focus that returns to where it came from.
 *
 * It is our own because the panel also lives in a cell's output and in VS Code: Lumino's menu draws into the page's
 * body, outside of our styles, and looks like one only with JupyterLab's.
 */
import type { KeyboardEvent, ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import { Picture } from './Picture';

export interface MenuItem {
  label: string;
  act(): void;
}

export function Menu({ label, items }: { label: string; items: MenuItem[] }): ReactElement {
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (refocus: boolean) => {
    setOpen(false);
    if (refocus) {
      button.current?.focus();
    }
  };

  useEffect(() => {
    if (!open) {
      return;
    }
    frame.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
    const away = (event: Event) => frame.current?.contains(event.target as Node) || setOpen(false);
    document.addEventListener('pointerdown', away);
    return () => document.removeEventListener('pointerdown', away);
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    const entries = [...(frame.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open && step && entries.length > 0) {
      const place = entries.indexOf(document.activeElement as HTMLElement) + step;
      entries[(place + entries.length) % entries.length]!.focus();
    } else if (open && event.key === 'Escape') {
      close(true);
    } else if (open && event.key === 'Tab') {
      close(false);
      return;
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={frame} className="jp-Schedule-menu" onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        className="jp-Schedule-iconButton"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!open)}
      >
        <Picture of="more" />
      </button>
      {open && (
        <div role="menu" aria-label={label} className="jp-Schedule-menuItems">
          {items.map(item => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close(true);
                item.act();
              }}
            >
              {item.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
