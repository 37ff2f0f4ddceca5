/**
 * The file that an import reads, or standard input: its name for people, its length, and its bytes in pieces.
 * Promises: it is known to be readable before anything is done.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { BULK_FORMATS, type BulkFormat, WrongFile } from './records.ts';

export interface BulkFile {
  /** For messages to a person. */
  readonly label: string;
  /** Undefined for a pipe. */
  readonly bytesTotal: number | undefined;
  /** Bytes read so far. */
  readonly bytesRead: number;
  /** The same 16 hex digits for the same bytes. @throws {WrongFile} where it can be read only once */
  digest(): Promise<string>;
  bytes(): AsyncGenerator<Buffer>;
}

const PIECE_BYTES = 16_384;
/** 64 bits, so that two files of one shop never share them by chance. */
const DIGEST_LETTERS = 16;

/** Opens a file. @param path `-` for standard input @throws {WrongFile} where there is none */
export async function openBulkFile(path: string, stdin: Readable): Promise<BulkFile> {
  if (path === '-') return new FileOfOnce('standard input', () => stdin);
  const handle = await open(path).catch((error: Error) => {
    throw new WrongFile(`${path} cannot be read: ${error.message}`);
  });
  const stat = await handle.stat().finally(() => handle.close());
  if (stat.isDirectory()) throw new WrongFile(`${path} is a folder`);
  const read = () => createReadStream(path, { highWaterMark: PIECE_BYTES });
  return stat.isFile() ? new FileOfDisk(path, read, stat.size) : new FileOfOnce(path, read);
}

/** The format by the ending of the name; undefined for any other ending. */
export function formatOf(path: string): BulkFormat | undefined {
  const ending = extname(path).slice(1).toLowerCase();
  return ending === 'jsonl' ? 'ndjson' : BULK_FORMATS.find((format) => format === ending);
}

/** A pipe: it can be read once, and its length is unknown. */
class FileOfOnce implements BulkFile {
  readonly label: string;
  readonly bytesTotal: number | undefined;
  bytesRead = 0;
  readonly #open: () => Readable;

  constructor(label: string, open: () => Readable, bytesTotal?: number) {
    this.label = label;
    this.#open = open;
    this.bytesTotal = bytesTotal;
  }

  digest(): Promise<string> {
    return Promise.reject(
      new WrongFile(
        `${this.label} can be read only once: give the import a --name, by which a repeat is known`,
      ),
    );
  }

  async *bytes(): AsyncGenerator<Buffer> {
    for await (const piece of this.#open()) {
      this.bytesRead += piece.length;
      yield piece;
    }
  }

  protected open(): Readable {
    return this.#open();
  }
}

class FileOfDisk extends FileOfOnce {
  override async digest(): Promise<string> {
    const hash = createHash('sha256');
    for await (const piece of this.open()) hash.update(piece);
    return hash.digest('hex').slice(0, DIGEST_LETTERS);
  }
}
