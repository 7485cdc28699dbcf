/** Where in a schedule's sentence the parts stand that can be changed in place. */
import type { Schedule } from '../api/schemas';
import type { TranslationBundle } from './translation';

export interface SentencePart {
  text: string;
  /** the label of its field, the value in it, and the merge patch of the form that a new value makes */
  label?: string;
  value?: string;
  patch?(value: string): object;
}

/** The sentence in pieces; a piece with `patch` can be changed.  A sentence of an unknown form is one piece. */
export function splitSentence({ summary, form }: Schedule, trans: TranslationBundle): SentencePart[] {
  const { kind, at, timezone } = form.frequency;
  const parts: SentencePart[] = [{ text: summary }];
  if (kind !== 'hourly' && kind !== 'cron' && kind !== 'once') {
    insert(parts, new RegExp(`(?<=^Runs (?:(?!, next).)*)\\b${escapePattern(at)}\\b(?: UTC)?`), {
      label: trans.__('Time of day (%1)', timezone),
      value: at,
      patch: value => ({ frequency: { at: value } })
    });
  }
  insert(parts, /(?<=stops after )[^;.]+/, {
    label: trans.__('Job timeout (minutes)'),
    value: String(form.timeout_minutes),
    patch: value => ({ timeout_minutes: Number(value) })
  });
  return parts;
}

/** Split the last piece where `pattern` is found first. */
function insert(parts: SentencePart[], pattern: RegExp, part: Omit<SentencePart, 'text'>): void {
  const last = parts.pop()!;
  const found = pattern.exec(last.text);
  if (!found) {
    parts.push(last);
    return;
  }
  const pieces: SentencePart[] = [
    { text: last.text.slice(0, found.index) },
    { ...part, text: found[0] },
    { text: last.text.slice(found.index + found[0].length) }
  ];
  parts.push(...pieces.filter(({ text }) => text));
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
