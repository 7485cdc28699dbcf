import type { WidgetModel } from '../../src/hosts/widget/traits';

/** A model without a kernel: remembers what was saved and sent, and says what it is told to say. */
export class FakeModel implements WidgetModel {
  readonly sent: any[] = [];
  readonly saved: Record<string, unknown>[] = [];
  private _changed: Record<string, unknown> = {};
  private _listeners = new Map<string, Set<(...values: any[]) => void>>();

  constructor(
    readonly traits: Record<string, any> = {},
    readonly widget_manager?: unknown
  ) {}

  get(name: string): any {
    return this.traits[name];
  }

  set(name: string, value: unknown): void {
    this.traits[name] = value;
    this._changed[name] = value;
  }

  save_changes(): void {
    this.saved.push(this._changed);
    this._changed = {};
  }

  on(event: string, callback: (...values: any[]) => void): void {
    this._listeners.set(event, (this._listeners.get(event) ?? new Set()).add(callback));
  }

  off(event: string, callback: (...values: any[]) => void): void {
    this._listeners.get(event)?.delete(callback);
  }

  send(content: unknown): void {
    this.sent.push(content);
  }

  /** As the kernel does: a message, or a trait that changed. */
  say(event: string, ...values: any[]): void {
    this._listeners.get(event)?.forEach(callback => callback(...values));
  }

  change(name: string, value: unknown): void {
    this.traits[name] = value;
    this.say(`change:${name}`, this, value);
  }

  get listeners(): number {
    return [...this._listeners.values()].reduce((sum, callbacks) => sum + callbacks.size, 0);
  }
}
