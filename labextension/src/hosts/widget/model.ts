/** The widget's side of the kernel's traits and messages, as anywidget hands it over. */
export interface IModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (content: unknown) => void): void;
  off(event: string, callback: (content: unknown) => void): void;
  send(content: unknown): void;
  /** the host's; in JupyterLab it knows the notebook */
  widget_manager?: unknown;
}
