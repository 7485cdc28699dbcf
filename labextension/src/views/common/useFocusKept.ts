/** The focus stays in the panel: what has it may go away with what it did. */
import type { RefObject } from 'react';
import { useEffect, useRef } from 'react';

const STOPS = ':is(a[href], button, input, select, textarea, summary, [tabindex]):not(:disabled, [tabindex="-1"])';

/** The element that has the focus, with those around it in the frame, the nearest first, and all stops of the tab order. */
interface FocusPlace {
  element: HTMLElement;
  around: HTMLElement[];
  stops: HTMLElement[];
}

/**
 * When what has the focus goes away, give it to the stop that is nearest in what was around it and is still there.
 *
 * The answer is for the frame; it has the focus itself when nothing else is left, as after a change of the view.
 */
export function useFocusKept(): RefObject<HTMLDivElement> {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const within = frame.current!;
    let held: FocusPlace | null = null;
    const enter = ({ target }: FocusEvent) => {
      held = noteFocus(target as HTMLElement, within);
    };
    const leave = ({ target }: FocusEvent) =>
      // What is hidden or removed leaves too: only what can still be seen then was left on purpose.
      queueMicrotask(() => {
        if (held?.element === target && held.element.isConnected && isShown(held.element)) {
          held = null;
        }
      });
    const removal = new MutationObserver(() => {
      if (held && !held.element.isConnected) {
        const next = findNearest(held) ?? within;
        held = null;
        if (document.activeElement === document.body) {
          next.focus();
        }
      }
    });
    within.addEventListener('focusin', enter);
    within.addEventListener('focusout', leave);
    removal.observe(within, { childList: true, subtree: true });
    return () => {
      within.removeEventListener('focusin', enter);
      within.removeEventListener('focusout', leave);
      removal.disconnect();
    };
  }, []);
  return frame;
}

function noteFocus(element: HTMLElement, within: HTMLElement): FocusPlace {
  const around: HTMLElement[] = [];
  for (let outer = element.parentElement; outer && outer !== within; outer = outer.parentElement) {
    around.push(outer);
  }
  return { element, around, stops: [...within.querySelectorAll<HTMLElement>(STOPS)] };
}

/** Of two that are as near, the one that comes next. */
function findNearest({ element, around, stops }: FocusPlace): HTMLElement | undefined {
  const place = stops.indexOf(element);
  const distance = (stop: HTMLElement) => Math.abs(stops.indexOf(stop) - place - 0.1);
  for (const outer of around.filter(({ isConnected }) => isConnected)) {
    const inside = stops.filter(stop => outer.contains(stop) && stop.matches(STOPS));
    if (inside.length > 0) {
      return inside.reduce((best, stop) => (distance(stop) < distance(best) ? stop : best));
    }
  }
  return undefined;
}

/** False while React hides the element's view, because the chunk of the next one is awaited. */
function isShown(element: HTMLElement): boolean {
  return element.closest('[style*="display: none"]') === null;
}
