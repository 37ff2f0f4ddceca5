/**
 * The preloaded pieces of C that make a power cut and a wrong clock: compiled where this machine has a compiler.
 * Promises: without a compiler the experiments that need one are left out, and the line says so.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPrograms, runCommand, searchFolders } from '../../src/local/machine.ts';
import { Unavailable } from '../command.ts';

export type ShimName = 'power-cut' | 'clock';

const COMPILE_MS_MAX = 60_000;

/** Compiles one into `folder`. @returns the file to preload @throws {Unavailable} */
export async function compileShim(name: ShimName, folder: string): Promise<string> {
  if (process.platform !== 'linux') throw new Unavailable('preloading is done as Linux does it');
  const source = fileURLToPath(new URL(`shims/${name}.c`, import.meta.url));
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const [file] = await findPrograms(compiler, searchFolders(undefined));
    if (!file) continue;
    const target = join(folder, `${name}.so`);
    await runCommand(file, ['-shared', '-fPIC', '-O2', '-Wall', '-o', target, source], {
      timeoutMs: COMPILE_MS_MAX,
    });
    return target;
  }
  throw new Unavailable('there is no C compiler here (cc, gcc or clang)');
}

/** The offset of a clock that {@link compileShim} `clock` reads. */
export class TurnedClock {
  readonly file: string;

  constructor(folder: string) {
    this.file = join(folder, 'clock-offset');
  }

  /** Written in place: the server has mapped the file. */
  async turn(ms: number): Promise<void> {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(ms)) * 1_000_000n);
    const before = await readFile(this.file).catch(() => undefined);
    await writeFile(this.file, bytes, { flag: before ? 'r+' : 'w' });
  }
}
