/**
 * Instants as a person reads them: in their own zone, with both zones at hand.
 *
 * Instants are ISO texts in UTC as the API sends them; `now` is milliseconds; nothing here computes occurrences.
 */
import { formatCoarseDuration } from './format';
import type { TranslationBundle } from './translation';

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/** Formats for one reader; `language` is the interface's. */
export class Clock {
  private readonly locale: string;
  private readonly formats = new Map<string, Intl.DateTimeFormat>();

  constructor(
    readonly zone: string,
    language: string,
    private readonly trans: TranslationBundle
  ) {
    // Days come before months in the server's English sentences, so here too.
    this.locale = !language || language.startsWith('en') ? 'en-GB' : language.replace('_', '-');
  }

  /** `Tue 24 Nov 13:00`, in `zone` or in the reader's. */
  full(instant: string, zone = this.zone): string {
    return `${this.date(instant, zone)} ${this.time(instant, zone)}`;
  }

  /** `13:00`. */
  time(instant: string, zone = this.zone): string {
    return this.format('time', zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, instant);
  }

  /** `Tue 24 Nov`. */
  date(instant: string, zone = this.zone): string {
    return this.format('date', zone, { weekday: 'short', day: 'numeric', month: 'short' }, instant).replace(',', '');
  }

  /** `Sat 28`, `Mon 30 Nov`, `Tue 1 Dec`: dates in a row, each month said with its last one. */
  dates(instants: readonly string[]): string[] {
    const month = (instant: string | undefined) =>
      instant && this.format('month', this.zone, { month: 'short' }, instant);
    const short = (instant: string) =>
      this.format('weekday', this.zone, { weekday: 'short', day: 'numeric' }, instant).replace(',', '');
    return instants.map((instant, place) =>
      month(instant) === month(instants[place + 1]) ? short(instant) : this.date(instant)
    );
  }

  /** `November 2026`, of a day YYYY-MM-DD. */
  month(day: string): string {
    return this.format('whole month', 'UTC', { month: 'long', year: 'numeric' }, day);
  }

  /** `Mon`, of a day YYYY-MM-DD. */
  weekday(day: string): string {
    return this.format('name of day', 'UTC', { weekday: 'short' }, day);
  }

  /** `today 13:00`, `tomorrow 13:00`, `Tue 24 Nov 13:00`. */
  upcoming(instant: string, now: number): string {
    const day = this.day(instant);
    if (day === this.day(new Date(now).toISOString())) {
      return this.trans.__('today %1', this.time(instant));
    }
    if (day === this.day(new Date(now + DAY * 1000).toISOString())) {
      return this.trans.__('tomorrow %1', this.time(instant));
    }
    return this.full(instant);
  }

  /** `2 h ago` within a day, then `Tue 24 Nov 13:00`. */
  past(instant: string, now: number): string {
    const seconds = Math.max(0, (now - Date.parse(instant)) / 1000);
    if (seconds >= DAY) {
      return this.full(instant);
    }
    return seconds < MINUTE ? this.trans.__('just now') : this.trans.__('%1 ago', formatCoarseDuration(seconds));
  }

  /** `in 3 min` within a day, then `Tue 24 Nov 13:00`; `now` once it has come. */
  ahead(instant: string, now: number): string {
    const seconds = (Date.parse(instant) - now) / 1000;
    if (seconds >= DAY) {
      return this.full(instant);
    }
    return seconds < 1 ? this.trans.__('now') : this.trans.__('in %1', formatCoarseDuration(seconds));
  }

  /** Both zones: `Tue 24 Nov 13:00 Europe/Paris (12:00 UTC)`, with the date in UTC where it is another. */
  both(instant: string): string {
    if (this.zone === 'UTC') {
      return `${this.full(instant)} UTC`;
    }
    const sameDay = this.date(instant) === this.date(instant, 'UTC');
    const utc = sameDay ? this.time(instant, 'UTC') : this.full(instant, 'UTC');
    return `${this.full(instant)} ${this.zone} (${utc} UTC)`;
  }

  private day(instant: string): string {
    return this.format('day', this.zone, { year: 'numeric', month: '2-digit', day: '2-digit' }, instant);
  }

  private format(kind: string, zone: string, options: Intl.DateTimeFormatOptions, instant: string): string {
    const key = `${kind} ${zone}`;
    let format = this.formats.get(key);
    if (!format) {
      format = new Intl.DateTimeFormat(this.locale, { ...options, timeZone: zone });
      this.formats.set(key, format);
    }
    return format.format(new Date(instant));
  }
}

/** The reader's zone, as the browser knows it. */
export function browserZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** Today's date in `zone`, `days` later: YYYY-MM-DD. */
export function dateIn(zone: string, now: number, days = 0): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    now + days * DAY * 1000
  );
}
