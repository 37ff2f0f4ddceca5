/**
 * Reads CSV (RFC 4180, UTF-8, comma, a header) as records. Promises: no record waits in a buffer, so a page is what one
 * piece of the file brought; blanks around a cell go, and empty cells are absent; a wrong record is reported as such, and
 * the next one follows.
 */
import { type CsvError, type Parser, parse } from 'csv-parse';
import { type BulkRecord, type Columns, RECORD_BYTES_MAX, unknownField, WrongFile } from './records.ts';

/** A number as people write it; anything else stays a text, which the check of the row reports. */
const NUMBER = /^[+-]?\d{1,15}(\.\d{1,15})?$/;

/** Yields pages of records. @throws {WrongFile} where the header is wrong, or nothing after some place can be read */
export async function* csvRecords(
  bytes: AsyncIterable<Buffer>,
  columns: Columns,
): AsyncGenerator<BulkRecord[]> {
  let header: Header | undefined;
  let row = 0;
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
    // Both concern one record, which is reported; the next one can be read.
    relax_column_count: true,
    relax_quotes: true,
  });
  parser.on('error', () => {}); // each step takes its own
  for await (const piece of bytes) {
    const page = await recordsOf((done) => parser.write(piece, done));
    if (page.length > 0) yield page;
  }
  const page = await recordsOf((done) => parser.end(done));
  if (!header) throw new WrongFile(`the file is empty: its first line names the columns, ${named(columns)}`);
  if (page.length > 0) yield page;

  /** One step of the parser, which works synchronously: its records are taken before it goes on. */
  async function recordsOf(step: (done: Done) => void): Promise<BulkRecord[]> {
    const stepped = settled(parser, step);
    const records: BulkRecord[] = [];
    for (let cells = parser.read(); cells !== null; cells = parser.read()) {
      if (header) records.push(readCells(header, cells, ++row));
      else header = readHeader(cells, columns);
    }
    await stepped;
    return records;
  }
}

type Done = (error?: Error | null) => void;

/** Resolves after one step of the parser, which reports a failure at the end of a file as an event only. */
async function settled(parser: Parser, step: (done: Done) => void): Promise<void> {
  let fail: Done = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      fail = (error) => reject(error);
      parser.once('error', fail);
      step((error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    throw readError(error);
  } finally {
    parser.off('error', fail);
  }
}

function readError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const { code, lines } = error as CsvError & { lines?: number };
  if (code === 'CSV_MAX_RECORD_SIZE' || code === 'CSV_QUOTE_NOT_CLOSED') {
    return new WrongFile(
      `the record that ends in line ${lines} is longer than ${RECORD_BYTES_MAX} bytes or has no end: ` +
        'is a quote (") left open? Nothing after it can be read',
    );
  }
  return new WrongFile(`line ${lines} cannot be read as CSV: ${error.message}`);
}

interface Header {
  /** Undefined for a column that is ignored. */
  readonly names: readonly (string | undefined)[];
  readonly numbers: ReadonlySet<string>;
}

function named({ required, optional }: Columns): string {
  const rest = optional.length > 0 ? ` (and, where needed, ${optional.join(', ')})` : '';
  return `${required.join(', ')}${rest}`;
}

/** Names count in upper and lower case, as spreadsheets have them. @throws {WrongFile} */
function readHeader(cells: readonly string[], columns: Columns): Header {
  const known = [...columns.required, ...columns.optional, ...columns.ignored];
  const problems: string[] = [];
  const names = cells.map((cell) => {
    const name = known.find((one) => one.toLowerCase() === cell.trim().toLowerCase());
    if (name === undefined) problems.push(unknownField(cell, columns));
    return name;
  });
  for (const name of known) {
    if (names.filter((one) => one === name).length > 1) problems.push(`${name} stands there twice`);
  }
  for (const name of columns.required) {
    if (!names.includes(name)) problems.push(`${name} is missing`);
  }
  if (problems.length > 0) {
    throw new WrongFile(
      `the header (line 1) is wrong: ${problems.join('; ')}. ` +
        `It names the columns, with commas between them: ${named(columns)}`,
    );
  }
  return {
    names: names.map((name) => (columns.ignored.includes(name ?? '') ? undefined : name)),
    numbers: new Set(columns.numbers),
  };
}

function readCells({ names, numbers }: Header, cells: readonly string[], row: number): BulkRecord {
  if (cells.length !== names.length) {
    const problem = `it has ${cells.length} cells and the header ${names.length}: put texts with a comma in quotes`;
    return { row, fields: {}, problem };
  }
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const cell = (cells[i] as string).trim();
    if (name === undefined || cell === '') continue;
    fields[name] = numbers.has(name) && NUMBER.test(cell) ? Number(cell) : cell;
  }
  return { row, fields };
}
