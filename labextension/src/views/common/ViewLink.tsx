/** A link inside the panel. */
import type { MouseEvent, ReactElement, ReactNode } from 'react';

import type { View } from '../../model/views';
import { useHost } from './hostContext';

/** A link to another view of the panel; with a modifier key it is an ordinary link. */
export function ViewLink(props: {
  view: View;
  go(view: View): void;
  children: ReactNode;
  className?: string;
}): ReactElement {
  const { linkTo } = useHost();
  const follow = (event: MouseEvent) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      props.go(props.view);
    }
  };
  return (
    <a className={props.className} href={linkTo?.(props.view) ?? '#'} onClick={follow}>
      {props.children}
    </a>
  );
}
