/**
 * The wire's shapes by their names; `types.ts` is generated from the server's OpenAPI document.
 *
 * Where the document calls a field optional because it has a default, the server sends it all the same: `Whole`.
 */
import type { components } from './types';

type Schemas = components['schemas'];
type Whole<Name extends keyof Schemas> = Required<Schemas[Name]>;

export type BackfillResult = Required<Schemas['BackfillResponse']>;
export type BackfillRequest = Partial<Schemas['BackfillSchedule']>;
export type BundledFile = Schemas['BundledFile'];
export type Calendar = Omit<Whole<'CalendarResponse'>, 'days'> & { days: CalendarDay[] };
export type CalendarDay = Whole<'DayResponse'>;
export type CreateSchedule = Omit<Whole<'CreateSchedule'>, 'form' | 'public_confirmed' | 'rehearse' | 'first_run'> & {
  form: Form;
  public_confirmed?: true;
  rehearse?: boolean;
  first_run?: true;
};
export type CellDifference = Whole<'CellResponse'>;
export type DeletedSchedule = Schemas['DeletedResponse'];
export type Difference = Omit<Whole<'DifferenceResponse'>, 'cells' | 'before' | 'after'> & {
  cells: CellDifference[];
  before: VersionDetails;
  after: VersionDetails | null;
};
export type DifferenceLine = Schemas['LineResponse'];
export type Failure = Schemas['FailureResponse'];
export type FileChange = Schemas['FileChange'];
export type FilePreview = Whole<'FilePreview'>;
export type Finding = Schemas['FindingResponse'];
export type Form = Whole<'Form'>;
export type Frequency = Whole<'Frequency'>;
export type KernelChoice = Schemas['KernelResponse'];
export type Log = Schemas['LogResponse'];
export type Occurrence = Schemas['OccurrenceResponse'];
export type Parameter = Schemas['Parameter'];
export type Preview = Schemas['PreviewResponse'] & {
  workers: ComputeChoice[];
  channels: string[];
};
export type FieldProblem = Schemas['Problem'];
export type PublishedFile = Schemas['PublishedFile'];
export type ReceivedTarball = Schemas['BundleResponse'];
export type Run = Schemas['RunResponse'];
export type RunDetails = Whole<'RunDetails'>;
export type RunStatus = Schemas['RunStatus'];
export type Schedule = Omit<Whole<'ScheduleResponse'>, 'form'> & { form: Form };
export type News = Whole<'NewsResponse'>;
export type NotebookStatus = Schemas['NotebookStatus'];
export type Status = Schemas['StatusResponse'];
export type FailedNotification = Schemas['FailedNotification'];
export type ComputeChoice = Whole<'ComputeChoice'>;
export type Version = Schemas['VersionResponse'];
export type VersionDetails = Omit<Schemas['VersionDetails'], 'form'> & { form: Form };
