/**
 * Reads NDJSON (one JSON object a line, UTF-8) as records. Promises: a line that is no such object, or too long, is reported
 * as such, and the next one follows; fields that are null are absent.
 */
import { type BulkRecord, type Columns, RECORD_BYTES_MAX, unknownField } from './records.ts';

/** Yields pages of records. */
export async function* ndjsonRecords(
  bytes: AsyncIterable<Buffer>,
  columns: Columns,
): AsyncGenerator<BulkRecord[]> {
  const known = new Set([...columns.required, ...columns.optional]);
  const ignored = new Set(columns.ignored);
  const decoder = new TextDecoder();
  let row = 0;
  let rest = '';
  let isTooLong = false;

  for await (const piece of bytes) {
    const page = split(decoder.decode(piece, { stream: true }), false);
    if (page.length > 0) yield page;
  }
  const page = split(decoder.decode(), true);
  if (page.length > 0) yield page;

  function split(text: string, isEnd: boolean): BulkRecord[] {
    const lines = (rest + text).split('\n');
    rest = isEnd ? '' : (lines.pop() ?? '');
    const records: BulkRecord[] = [];
    for (const content of lines) {
      const isLong = isTooLong || content.length > RECORD_BYTES_MAX;
      isTooLong = false;
      if (isLong) records.push(unreadable(`it is longer than ${RECORD_BYTES_MAX} characters`));
      else if (/\S/.test(content)) records.push(read(content));
    }
    if (rest.length > RECORD_BYTES_MAX) {
      isTooLong = true;
      rest = '';
    }
    return records;
  }

  function unreadable(problem: string): BulkRecord {
    return { row: ++row, fields: {}, problem };
  }

  function read(content: string): BulkRecord {
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch (error) {
      return unreadable(`it is no JSON: ${error instanceof Error ? error.message : error}`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return unreadable('it is no JSON object: give {"sku": ...}, one object a line');
    }
    const fields: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(value)) {
      if (known.has(name)) {
        if (field !== null) fields[name] = field;
      } else if (!ignored.has(name)) return unreadable(unknownField(name, columns));
    }
    return { row: ++row, fields };
  }
}
