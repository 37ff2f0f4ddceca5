/**
 * What every reader of a file yields: records, which are fields by name with the row they came from; and the error of a file
 * that is wrong as a whole. Refuses to know: formats, and what the fields mean.
 */
export const BULK_FORMATS = ['csv', 'ndjson'] as const;
export type BulkFormat = (typeof BULK_FORMATS)[number];

/** Which fields a record has. A file may have them in any order. */
export interface Columns {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** What an export adds for people: ignored. */
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

/** The file cannot be read, or not further; the message has the place and what to do. */
export class WrongFile extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WrongFile';
  }
}

/** The longest record there may be; a longer one is a quote left open, or no such file at all. */
export const RECORD_BYTES_MAX = 65_536;

/** The message about an unknown field, with the known ones. */
export function unknownField(name: string, { required, optional }: Columns): string {
  return `${JSON.stringify(name.slice(0, 64))} is no field of these rows; there are ${[...required, ...optional].join(', ')}`;
}
