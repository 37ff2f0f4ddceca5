/**
 * A small disk that can be filled: a file system in memory, which only root may mount.
 */
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRoot, runCommand } from '../../../src/local/machine.ts';
import { Unavailable } from '../../command.ts';

const MOUNT_MS_MAX = 10_000;
const BLOCK_BYTES = 1_024 * 1_024;
/** The last bytes of a disk go to small writes. */
const SMALL_BYTES = 4_096;

export class SmallDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws {Unavailable} where this process may not mount */
  static async mount(folder: string, megabytes: number): Promise<SmallDisk> {
    if (process.platform !== 'linux' || !isRoot()) throw new Unavailable('only root can mount a small disk');
    await mkdir(folder, { recursive: true });
    try {
      await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], {
        timeoutMs: MOUNT_MS_MAX,
      });
    } catch (error) {
      throw new Unavailable(`a small disk cannot be mounted here: ${String(error)}`);
    }
    await chmod(folder, 0o755);
    return new SmallDisk(folder);
  }

  /** Leaves not one byte. */
  async fill(): Promise<void> {
    const file = await open(join(this.folder, 'filler'), 'a');
    try {
      for (const bytes of [BLOCK_BYTES, SMALL_BYTES]) {
        const block = Buffer.alloc(bytes);
        while (await hasRoom(() => file.appendFile(block)));
      }
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(join(this.folder, 'filler'), { force: true });
  }

  async close(): Promise<void> {
    await runCommand('umount', ['-l', this.folder], { timeoutMs: MOUNT_MS_MAX });
  }
}

async function hasRoom(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
