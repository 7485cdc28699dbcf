/** The reason for which a request failed, in a sentence for the person who asked. */

export class Problem extends Error {
  /**
   * @param code a stable word for programs: the server's, or `unreachable`, `signed_out`, `not_installed`, `broken`.
   * @param message one sentence that says what is wrong and what to do next.
   * @param field the form's field that it belongs to.
   */
  constructor(
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly status = 0
  ) {
    super(message);
    this.name = 'Problem';
  }

  /** True when the same request may well succeed a little later. */
  get isTransient(): boolean {
    return this.code === 'unreachable' || this.status >= 502;
  }
}

/** `error` as a Problem, whatever was thrown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  return new Problem('broken', error instanceof Error ? error.message : String(error));
}

/** True when `error` only says that somebody stopped waiting for the answer. */
export function isAbort(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'AbortError';
}
