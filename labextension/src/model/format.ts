/** Durations, sizes and amounts of money as a person reads them. */
const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** `0.4 s`, `12 s`, `4 min`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  if (seconds < 2 * MINUTE) {
    return `${Math.round(seconds)} s`;
  }
  const minutes = Math.round(seconds / MINUTE);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours ? `${hours} h` : '', rest || !hours ? `${rest} min` : ''].filter(Boolean).join(' ');
}

/** The largest unit only: `40 s`, `3 min`, `2 h`. */
export function formatCoarseDuration(seconds: number): string {
  if (seconds < MINUTE) {
    return `${Math.ceil(seconds)} s`;
  }
  return seconds < HOUR ? `${Math.round(seconds / MINUTE)} min` : `${Math.round(seconds / HOUR)} h`;
}

/** `812 B`, `17 kB`, `1.2 MB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Amounts of money, which come as text: `$1,234.50`; of less than a cent one figure, `$0.004`. */
export function formatDollars(amount: string): string {
  const value = Number(amount);
  return (value > 0 && value < 0.01 ? TINY : USUAL).format(value);
}

const currency = { style: 'currency', currency: 'USD' } as const;
const USUAL = new Intl.NumberFormat('en', currency);
const TINY = new Intl.NumberFormat('en', { ...currency, maximumSignificantDigits: 1 });

/** The lines of a text; a text of nothing has none. */
export function splitLines(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}
