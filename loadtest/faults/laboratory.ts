/**
 * What all experiments share: a folder, the programs of this machine, one Postgres cluster, preloaded pieces and broken copies, each made
 * when it is first needed. Promises: after {@link Laboratory.close} nothing of it is left.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Program } from '../../src/local/machine.ts';
import { type EngineChoice, findEngine } from '../../src/local/redis-engines.ts';
import { folderOfStores } from '../../test/stores.ts';
import { breakCopy, UNBROKEN } from './broken.ts';
import type { Removal } from './removals.ts';
import { findPostgresPrograms, PostgresNode, type PostgresPrograms } from './servers/postgres.ts';
import { compileShim, type ShimName } from './shims.ts';

export class Laboratory {
  readonly folder: string;
  readonly redisProgram: Program;
  readonly postgresPrograms: PostgresPrograms;
  /** The one that leads now: a promoted standby takes the place of the one before. */
  postgres: PostgresNode;
  readonly log: (line: string) => void;
  readonly #shims = new Map<ShimName, Promise<string>>();
  readonly #copies = new Map<string, Promise<string>>();
  #folders = 0;

  private constructor(
    folder: string,
    redisProgram: Program,
    postgresPrograms: PostgresPrograms,
    postgres: PostgresNode,
    log: (line: string) => void,
  ) {
    this.folder = folder;
    this.redisProgram = redisProgram;
    this.postgresPrograms = postgresPrograms;
    this.postgres = postgres;
    this.log = log;
  }

  /** @param log gets the warnings of all programs */
  static async open(log: (line: string) => void, choice: EngineChoice = 'debian'): Promise<Laboratory> {
    const folder = await mkdtemp(join(await folderOfStores(), 'holdfast-faults-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    try {
      // Run by root, Postgres belongs to another user, who must be able to reach its folder.
      await chmod(folder, 0o755);
      const redisProgram = await findEngine({ choice, home: folder, wrote: undefined, log });
      const programs = await findPostgresPrograms(folder, log);
      const postgres = await PostgresNode.create(join(folder, 'postgres'), programs);
      await postgres.process.start();
      return new Laboratory(folder, redisProgram, programs, postgres, log);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** An empty folder of its own. */
  newFolder(name: string): string {
    const folder = join(this.folder, `${name}-${++this.#folders}`);
    mkdirSync(folder);
    return folder;
  }

  /** @throws {Unavailable} */
  shim(name: ShimName): Promise<string> {
    const made = this.#shims.get(name) ?? compileShim(name, this.folder);
    this.#shims.set(name, made);
    return made;
  }

  /** The root of the product: as it is, or without a mechanism. */
  product(without: Removal | undefined): Promise<string> {
    if (!without) return Promise.resolve(UNBROKEN);
    const { name, cuts } = without;
    const made = this.#copies.get(name) ?? breakCopy(join(this.folder, `without-${this.#copies.size}`), cuts);
    this.#copies.set(name, made);
    return made;
  }

  async close(): Promise<void> {
    await this.postgres.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
