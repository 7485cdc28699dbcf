/** Buttons and links. */
import type { ButtonHTMLAttributes, MouseEvent, ReactElement, ReactNode } from 'react';
import { useState } from 'react';

import type { View } from '../../model/views';
import { useHost } from './hostContext';
import { Picture } from './Picture';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** the one action that the view is for */
  primary?: boolean;
}

export function Button({ primary = false, className = '', ...rest }: ButtonProps): ReactElement {
  const look = primary ? 'jp-mod-accept' : 'jp-mod-reject';
  return <button type="button" className={`jp-Schedule-button jp-mod-styled ${look} ${className}`} {...rest} />;
}

/** A button that looks like a part of the text. */
export function TextButton({ className = '', ...rest }: ButtonHTMLAttributes<HTMLButtonElement>): ReactElement {
  return <button type="button" className={`jp-Schedule-textButton ${className}`} {...rest} />;
}

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

/** A link that leads out of the panel, into a tab of its own. */
export function AwayLink({ href, children }: { href: string; children: string }): ReactElement {
  return (
    <a className="jp-Schedule-away" href={href} target="_blank" rel="noopener noreferrer">
      {children}
      <Picture of="away" />
    </a>
  );
}

/** Copies `text`; says that it did. */
export function CopyButton({ text, label }: { text: string; label?: string }): ReactElement {
  const { trans } = useHost();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <TextButton onClick={() => void copy()} aria-live="polite">
      {copied ? trans.__('Copied') : (label ?? trans.__('Copy'))}
    </TextButton>
  );
}

/**
 * Put `text` on the clipboard, also where the page isn't served over HTTPS: browsers have no `clipboard` there.
 * JupyterLab's own way isn't there in a cell's output.
 */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
