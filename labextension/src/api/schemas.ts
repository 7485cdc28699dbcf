/**
 * The wire's shapes by their names; `types.ts` is generated from the server's OpenAPI document.
 *
 * Where the document calls a field optional because it has a default, the server sends it all the same: `Whole`.
 */
import type { components } from './types';

type Schemas = components['schemas'];
type Whole<Name extends keyof Schemas> = Required<Schemas[Name]>;

export type BackfillResult = Required<Schemas['Backfilled']>;
export type BackfillRequest = Partial<Schemas['Backfill']>;
export type BundledFile = Schemas['BundledFile'];
export type Calendar = Omit<Whole<'CalendarShape'>, 'days'> & { days: CalendarDay[] };
export type CalendarDay = Whole<'DayShape'>;
export type CreateSchedule = Omit<Whole<'Creation'>, 'form' | 'public_confirmed' | 'rehearse'> & {
  form: Form;
  public_confirmed?: true;
  rehearse?: boolean;
};
export type CellDifference = Whole<'CellShape'>;
export type DeletedSchedule = Schemas['Deleted'];
export type Difference = Omit<Whole<'DifferenceShape'>, 'cells' | 'before' | 'after'> & {
  cells: CellDifference[];
  before: VersionDetails;
  after: VersionDetails | null;
};
export type DifferenceLine = Schemas['LineShape'];
export type Failure = Schemas['Failure'];
export type FileChange = Schemas['FileChange'];
export type Finding = Schemas['FindingShape'];
export type Form = Whole<'Form'>;
export type Frequency = Whole<'Frequency'>;
export type Log = Schemas['LogShape'];
export type Occurrence = Schemas['OccurrenceShape'];
export type Parameter = Schemas['Parameter'];
export type Preview = Schemas['PreviewShape'] & { workers: ComputeChoice[]; channels: string[] };
export type FieldProblem = Schemas['Problem'];
export type PublishedFile = Schemas['PublishedFile'];
export type Run = Schemas['RunShape'];
export type RunDetails = Whole<'RunDetails'>;
export type RunStatus = Schemas['RunStatus'];
export type Schedule = Omit<Whole<'ScheduleShape'>, 'form'> & { form: Form };
export type NotebookStatus = Schemas['Scheduled'];
export type Status = Schemas['Status'];
export type FailedNotification = Schemas['FailedNotification'];
export type ComputeChoice = Whole<'ComputeChoice'>;
export type Version = Schemas['VersionShape'];
export type VersionDetails = Omit<Schemas['VersionDetails'], 'form'> & { form: Form };
