/** The API, one method a request; every one rejects with Problem. */
import type {
  BackfillRequest,
  BackfillResult,
  Calendar,
  CreateSchedule,
  DeletedSchedule,
  Difference,
  FilePreview,
  Form,
  KernelChoice,
  Log,
  Preview,
  ReceivedTarball,
  Run,
  RunDetails,
  Schedule,
  Status,
  Version
} from './schemas';
import type { ApiRequest, Transport } from './transport';

/** The most schedules that an answer has. */
const PAGE = 1000;

export class Client {
  /**
   * @param transport how requests travel.
   * @param zone the zone in which the person reads; the server's sentences say "your time" in it.
   */
  constructor(
    private readonly transport: Transport,
    private readonly zone: string
  ) {}

  status(signal?: AbortSignal): Promise<Status> {
    return this.ask({ path: 'status', signal });
  }

  /** Preview a form; keeps the bundle and names it.  `schedule`: the one that the form edits. */
  preview(form: Form, schedule?: string, signal?: AbortSignal): Promise<Preview> {
    const query: Record<string, string> = schedule === undefined ? {} : { schedule };
    return this.ask({ method: 'POST', path: 'preview', body: form, query, signal });
  }

  /** Keep a tarball; the answer names it. */
  uploadTarball(tarball: Blob, signal?: AbortSignal): Promise<ReceivedTarball> {
    return this.ask({ method: 'PUT', path: 'bundles', tarball, signal });
  }

  /** The kernels that a notebook can run in, by name. */
  kernels(signal?: AbortSignal): Promise<KernelChoice[]> {
    return this.ask({ path: 'kernels', signal });
  }

  /** All schedules by name, asked for page by page. */
  async schedules(signal?: AbortSignal): Promise<Schedule[]> {
    const all: Schedule[] = [];
    let page: Schedule[];
    do {
      const last = all.at(-1);
      const query = { limit: String(PAGE), ...(last && { before: last.name }) };
      page = await this.ask<Schedule[]>({ path: 'schedules', query, signal });
      all.push(...page);
    } while (page.length === PAGE);
    return all;
  }

  /** The schedules of one notebook. */
  async schedulesOf(notebook: string, signal?: AbortSignal): Promise<Schedule[]> {
    const found = await this.ask<Schedule[]>({ path: 'schedules', query: { notebook }, signal });
    return found.filter(schedule => schedule.form.notebook === notebook);
  }

  schedule(name: string, signal?: AbortSignal): Promise<Schedule> {
    return this.ask({ path: pathOf(name), signal });
  }

  /** Record a schedule; with the same key again, the same one. */
  create(creation: CreateSchedule, idempotencyKey: string): Promise<Schedule> {
    return this.ask({ method: 'POST', path: 'schedules', body: creation, idempotencyKey });
  }

  /** Change what `patch` names, if the schedule still is at `ifVersion`; `rebundle` takes the files as they are now. */
  edit(name: string, patch: object, ifVersion: number, rebundle = false, publicConfirmed = false): Promise<Schedule> {
    const body = { form: patch, rebundle, ...(publicConfirmed && { public_confirmed: true }) };
    return this.ask({ method: 'PATCH', path: pathOf(name), body, ifVersion });
  }

  remove(name: string, keepalive = false): Promise<DeletedSchedule> {
    return this.ask({ method: 'DELETE', path: pathOf(name), keepalive });
  }

  /** `note` says why; of a paused one, only the note changes. */
  pause(name: string, note?: string): Promise<Schedule> {
    return this.ask({ method: 'POST', path: `${pathOf(name)}/pause`, body: note === undefined ? undefined : { note } });
  }

  resume(name: string): Promise<Schedule> {
    return this.ask({ method: 'POST', path: `${pathOf(name)}/resume` });
  }

  /** The newest first. */
  versions(name: string, signal?: AbortSignal): Promise<Version[]> {
    return this.ask({ path: `${pathOf(name)}/versions`, signal });
  }

  /** A version beside another, or (null) beside the notebook as it is now. */
  difference(name: string, before: number, after: number | null, signal?: AbortSignal): Promise<Difference> {
    const query: Record<string, string> = { before: String(before), ...(after !== null && { after: String(after) }) };
    return this.ask({ path: `${pathOf(name)}/difference`, query, signal });
  }

  /** Let it do what an older version did, if it still is at `ifVersion`. */
  rollback(name: string, version: number, ifVersion: number, public_confirmed = false): Promise<Schedule> {
    return this.ask({
      method: 'POST',
      path: `${pathOf(name)}/rollback`,
      body: { version, public_confirmed },
      ifVersion
    });
  }

  runNow(name: string): Promise<Run> {
    return this.ask({ method: 'POST', path: `${pathOf(name)}/run` });
  }

  /** Runs of a schedule, the newest occurrence first. */
  runs(name: string, signal?: AbortSignal): Promise<Run[]> {
    return this.ask({ path: `${pathOf(name)}/runs`, signal });
  }

  /** The days from `first` to `last`, each YYYY-MM-DD, with their state, and the backfills' progress. */
  days(name: string, first: string, last: string, signal?: AbortSignal): Promise<Calendar> {
    return this.ask({ path: `${pathOf(name)}/days`, query: { first, last }, signal });
  }

  /** Run it for times that have passed, or say what that would be. */
  backfill(name: string, body: BackfillRequest, signal?: AbortSignal): Promise<BackfillResult> {
    return this.ask({ method: 'POST', path: `${pathOf(name)}/backfill`, body, signal });
  }

  /** Start none of the backfills' runs that still wait. */
  cancelBackfill(name: string): Promise<{ cancelled: number }> {
    return this.ask({ method: 'DELETE', path: `${pathOf(name)}/backfill` });
  }

  run(id: string, signal?: AbortSignal): Promise<RunDetails> {
    return this.ask({ path: `runs/${encodeURIComponent(id)}`, signal });
  }

  /** The output of a run, from piece `first` on. */
  log(id: string, first: number, signal?: AbortSignal): Promise<Log> {
    return this.ask({ path: `runs/${encodeURIComponent(id)}/log`, query: { first: String(first) }, signal });
  }

  /** The beginning of a file that a run left, `output/…` or `report/…`. */
  filePreview(id: string, path: string, signal?: AbortSignal): Promise<FilePreview> {
    return this.ask({ path: `runs/${encodeURIComponent(id)}/preview`, query: { file: path }, signal });
  }

  /** Ask a run to stop. */
  cancel(id: string): Promise<Run> {
    return this.ask({ method: 'POST', path: `runs/${encodeURIComponent(id)}/cancel` });
  }

  /** Run the same version again. */
  retry(id: string): Promise<Run> {
    return this.ask({ method: 'POST', path: `runs/${encodeURIComponent(id)}/retry` });
  }

  /** Publish what was kept back; `reason` says why it may be public although something was found. */
  approve(id: string, decision: { reason: string | null; without_hover_data: boolean }): Promise<Run> {
    return this.ask({ method: 'POST', path: `runs/${encodeURIComponent(id)}/approve`, body: decision });
  }

  private ask<T>(ask: ApiRequest): Promise<T> {
    const query = { ...ask.query, reader: this.zone };
    return this.transport({ ...ask, query }) as Promise<T>;
  }
}

function pathOf(name: string): string {
  return `schedules/${encodeURIComponent(name)}`;
}
