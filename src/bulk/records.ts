/**
 * What every reader of files makes of one: records, which are fields by name with the place they came from; and what
 * makes a file wrong. Refuses to know: formats, and what the fields mean.
 */
export const BULK_FORMATS = ['csv', 'ndjson'] as const;
export type BulkFormat = (typeof BULK_FORMATS)[number];

/** Which fields a record has. A file may have them in any order. */
export interface Columns {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** What an export writes beside them, for people: passed by. */
  readonly ignored: readonly string[];
  /** Those that are numbers: CSV knows only texts. */
  readonly numbers: readonly string[];
}

export type Fields = Readonly<Record<string, unknown>>;

export interface BulkRecord {
  /** From 1, without the header and blank lines: a record keeps its number however its file is laid out. */
  readonly row: number;
  /** Empty where `problem` says why they could not be read. */
  readonly fields: Fields;
  readonly problem?: string;
}

/** The file as a whole cannot be read, or not further: with the place and what to do. */
export class WrongFile extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WrongFile';
  }
}

/** The longest record there may be; a longer one is a quote left open, or no such file at all. */
export const RECORD_BYTES_MAX = 65_536;

/** How a field that is not known is told: with those that are. */
export function unknownField(name: string, { required, optional }: Columns): string {
  return `${JSON.stringify(name.slice(0, 64))} is no field of these rows; there are ${[...required, ...optional].join(', ')}`;
}
