/**
 * One Holdfast as it runs in production: a Redis or a group of three with Sentinels, a ledger of its own, two APIs, a worker and a
 * standby, each a process of the built product. Every part can be mistreated, and comes back as its supervisor would bring it back.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectRedis } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import type { ProofSources } from '../../src/proof/proof.ts';
import { endProgram, logLineWith, type Program, startProgram } from '../program.ts';
import type { Laboratory } from './laboratory.ts';
import type { Removal } from './removals.ts';
import { PostgresNode } from './servers/postgres.ts';
import { signal } from './servers/process.ts';
import { RedisNode } from './servers/redis.ts';
import { GROUP_NAME, Sentinels } from './servers/sentinels.ts';
import { SmallDisk } from './servers/small-disk.ts';
import { type ShimName, TurnedClock } from './shims.ts';
import { Wire } from './wire.ts';

export interface SceneOptions {
  /** `group`: a primary, two replicas, three Sentinels. */
  readonly servers: 'single' | 'group';
  /** `sentinel`: the programs ask the Sentinels; `wire`: they have an address that somebody leads elsewhere. */
  readonly route?: 'wire' | 'sentinel';
  readonly appendFsync?: 'everysec';
  /** A mechanism that is taken out. */
  readonly without?: Removal;
  readonly shims?: readonly ShimName[];
  /** Settings of the programs. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A Postgres cluster of its own, which may be lost. */
  readonly ownPostgres?: boolean;
  /** Whose files are on a disk that can be filled. */
  readonly smallDisk?: 'redis' | 'postgres';
}

/** Programs by what they are, in the order in which they were first started. */
const API_COUNT = 2;
const WORKER_COUNT = 2;
const READY_MS_MAX = 60_000;
const POLL_MS = 25;
const REDIS_MS_MAX = 5_000;
const DISK_MB = { redis: 16, postgres: 500 };
const REPLICAS = 2;

interface Running {
  readonly program: Program;
  readonly wire: Wire;
  url: string;
}

export class Scene {
  readonly lab: Laboratory;
  readonly options: SceneOptions;
  readonly database: string;
  readonly clock: TurnedClock;
  /** All of them; the first is the primary at the beginning. */
  readonly redis: readonly RedisNode[];
  readonly sentinels: Sentinels | undefined;
  /** Where the ledger is for the programs. */
  readonly postgresWire: Wire;
  /** The Postgres that has the ledger: a promoted standby takes the place of the one before. */
  postgres: PostgresNode;
  readonly disk: SmallDisk | undefined;
  /** The Redis that sells, as the laboratory knows it. */
  primary: RedisNode;
  /** Commands that a person had to give. */
  readonly commands: string[] = [];
  readonly #product: string;
  readonly #apis: (Running | undefined)[] = [];
  readonly #workers: (Running | undefined)[] = [];

  private constructor(made: {
    lab: Laboratory;
    options: SceneOptions;
    database: string;
    clock: TurnedClock;
    redis: [RedisNode, ...RedisNode[]];
    sentinels: Sentinels | undefined;
    postgres: PostgresNode;
    postgresWire: Wire;
    disk: SmallDisk | undefined;
    product: string;
  }) {
    this.lab = made.lab;
    this.options = made.options;
    this.database = made.database;
    this.clock = made.clock;
    this.redis = made.redis;
    this.sentinels = made.sentinels;
    this.postgres = made.postgres;
    this.postgresWire = made.postgresWire;
    this.disk = made.disk;
    this.primary = made.redis[0];
    this.#product = made.product;
  }

  static async open(lab: Laboratory, options: SceneOptions): Promise<Scene> {
    const folder = lab.newFolder('scene');
    const clock = new TurnedClock(folder);
    await clock.turn(0);
    const preload = await Promise.all((options.shims ?? []).map((name) => lab.shim(name)));
    const product = await lab.product(options.without);
    const disk =
      options.smallDisk && (await SmallDisk.mount(join(folder, 'disk'), DISK_MB[options.smallDisk]));
    const placeOf = (part: 'redis' | 'postgres') =>
      disk && options.smallDisk === part ? disk.folder : folder;
    const count = options.servers === 'group' ? 1 + REPLICAS : 1;
    const node = (i: number) =>
      RedisNode.create({
        program: lab.redisProgram,
        folder: join(placeOf('redis'), `redis-${i}`),
        appendFsync: options.appendFsync ?? 'always',
        preload,
        env: { HOLDFAST_CLOCK: clock.file },
      });
    const primary = await node(0);
    const replicas: RedisNode[] = [];
    for (let i = 1; i < count; i++) replicas.push(await node(i));
    for (const one of [primary, ...replicas]) await one.process.start();
    for (const one of replicas) await one.follow(primary);
    await until(async () => (await primary.replicas()) === replicas.length, 'the replicas do not follow');
    const sentinels =
      options.servers === 'group' && options.route === 'sentinel'
        ? await Sentinels.start(lab.redisProgram, folder, primary)
        : undefined;
    await sentinels?.agree(replicas.length);
    const database = `faults_${randomBytes(5).toString('hex')}`;
    const isOwn = options.ownPostgres || options.smallDisk === 'postgres';
    const postgres = isOwn
      ? await PostgresNode.create(join(placeOf('postgres'), 'postgres'), lab.postgresPrograms)
      : lab.postgres;
    if (isOwn) await postgres.process.start();
    await postgres.query('postgres', `CREATE DATABASE ${database}`);
    await migrate(postgres.url(database));
    const postgresWire = await Wire.open(postgres.port);
    const scene = new Scene({
      lab,
      options,
      database,
      clock,
      redis: [primary, ...replicas],
      sentinels,
      postgres,
      postgresWire,
      disk,
      product,
    });
    try {
      for (let i = 0; i < WORKER_COUNT; i++) await scene.startWorker(i);
      for (let i = 0; i < API_COUNT; i++) await scene.startApi(i);
      await scene.ready();
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  /** Addresses of the APIs that run. */
  readonly apiUrls = (): readonly string[] =>
    this.#apis.flatMap((api) => (api?.url && isRunning(api.program) ? [api.url] : []));

  async startApi(i: number): Promise<void> {
    const running = await this.#start('serve', this.#apis[i], { PORT: '0' });
    this.#apis[i] = running;
    running.url = String((await logLineWith(running.program, 'url')).url);
  }

  async startWorker(i: number): Promise<void> {
    const running = await this.#start('work', this.#workers[i], { HOLDFAST_WORKER_PORT: '0' });
    this.#workers[i] = running;
    const { metricsPort } = await logLineWith(running.program, 'metricsPort');
    running.url = `http://127.0.0.1:${metricsPort}`;
  }

  async stopApi(i: number): Promise<void> {
    const api = this.#apis[i];
    if (api) await endProgram(api.program);
  }

  async stopWorker(i: number): Promise<void> {
    const worker = this.#workers[i];
    if (worker) await endProgram(worker.program);
  }

  signalApi(i: number, name: NodeJS.Signals): void {
    signal(this.#apis[i]?.program.child.pid ?? 0, name);
  }

  signalWorker(i: number, name: NodeJS.Signals): void {
    signal(this.#workers[i]?.program.child.pid ?? 0, name);
  }

  /** Which worker carries; -1 where none says so. */
  async activeWorker(): Promise<number> {
    const active = await Promise.all(
      this.#workers.map(async (worker) => {
        if (!worker || !isRunning(worker.program)) return false;
        const answer = await fetch(`${worker.url}/livez`, { signal: AbortSignal.timeout(1_000) }).catch(
          () => undefined,
        );
        return ((await answer?.json().catch(() => undefined)) as { active?: boolean } | undefined)?.active;
      }),
    );
    return active.indexOf(true);
  }

  /** Leads the programs to another Redis; all of them, or one API. */
  lead(to: RedisNode, only?: { readonly api: number }): void {
    const all = only ? [this.#apis[only.api]] : [...this.#apis, ...this.#workers];
    for (const running of all) running?.wire.lead(to.port);
    if (!only) this.primary = to;
  }

  /** Where the primary is now, by the Sentinels. */
  async learnPrimary(): Promise<void> {
    const port = await this.sentinels?.primaryPort();
    this.primary = this.redis.find((node) => node.port === port) ?? this.primary;
  }

  /** Everything runs, and every other Redis follows the primary, in sync: as if there had been no fault. */
  async regroup(): Promise<void> {
    await this.supervise();
    await this.learnPrimary();
    const replicas = this.redis.filter((node) => node !== this.primary);
    for (const node of replicas) {
      const info = await node.admin.info('replication').catch(() => '');
      if (!new RegExp(`^master_port:${this.primary.port}\\b`, 'm').test(info))
        await node.follow(this.primary);
    }
    await until(
      async () => (await this.primary.replicas()) === replicas.length,
      'the replicas do not follow',
    );
    await this.sentinels?.agree(replicas.length);
  }

  /** Waits until both APIs can sell. @throws after a minute */
  async ready(): Promise<void> {
    let said = '';
    const isReady = async (url: string) => {
      const answer = await fetch(`${url}/readyz`).catch(() => undefined);
      said = answer ? await answer.text() : 'no answer';
      return answer?.ok === true;
    };
    await until(
      async () => (await Promise.all(this.apiUrls().map(isReady))).every(Boolean),
      () => `the APIs are not ready: ${said}`,
    );
  }

  /** Starts what has ended, as a supervisor does. */
  async supervise(): Promise<void> {
    if (!this.postgres.process.isRunning) await this.postgres.process.start();
    for (const node of this.redis) if (!node.process.isRunning) await node.process.start();
    for (const [i, worker] of this.#workers.entries()) {
      if (worker && !isRunning(worker.program)) await this.startWorker(i);
    }
    for (const [i, api] of this.#apis.entries()) if (api && !isRunning(api.program)) await this.startApi(i);
  }

  /** A command that a person has to give, run as the built program is. @returns exit code and what it printed */
  async person(program: string, args: readonly string[]): Promise<{ code: number; text: string }> {
    this.commands.push([program, ...args].join(' '));
    return this.run(program, args);
  }

  /** A program for people, such as `reconcile`. */
  async run(program: string, args: readonly string[]): Promise<{ code: number; text: string }> {
    const { execFile } = await import('node:child_process');
    const file = join(this.#product, 'dist', 'programs', `${program}.js`);
    const env = { ...process.env, ...this.#stores(this.primary.port) };
    return new Promise((resolve) => {
      execFile(process.execPath, [file, ...args], { env, timeout: READY_MS_MAX }, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
        resolve({ code, text: `${stdout}${stderr}` });
      });
    });
  }

  /** Both stores as they are now, over connections of the caller's own. */
  async withSources<T>(use: (sources: ProofSources) => Promise<T>): Promise<T> {
    const redis = connectRedis(this.primary.url, REDIS_MS_MAX);
    const postgres = new pg.Pool({ connectionString: this.postgres.url(this.database), max: 2 });
    postgres.on('error', () => {}); // its queries fail as well
    try {
      await redis.connect();
      return await use({ redis, postgres, keys: partitionKeys() });
    } finally {
      redis.disconnect();
      await postgres.end();
    }
  }

  async close(): Promise<void> {
    for (const running of [...this.#apis, ...this.#workers]) {
      if (!running) continue;
      signal(running.program.child.pid ?? 0, 'SIGKILL');
      await running.wire.close();
    }
    await this.sentinels?.close();
    for (const node of this.redis) await node.close();
    await this.postgresWire.close();
    if (this.postgres !== this.lab.postgres) await this.postgres.close();
    else await this.postgres.query('postgres', `DROP DATABASE IF EXISTS ${this.database} WITH (FORCE)`);
    await this.disk?.close();
  }

  #stores(redisPort: number): Record<string, string> {
    const url = this.sentinels
      ? `redis+sentinel://${this.sentinels.hosts}/${GROUP_NAME}`
      : `redis://127.0.0.1:${redisPort}`;
    return {
      REDIS_URL: url,
      DATABASE_URL: this.postgres.url(this.database, this.postgresWire.port),
      ...this.options.environment,
    };
  }

  async #start(name: string, before: Running | undefined, own: Record<string, string>): Promise<Running> {
    const wire = before?.wire ?? (await Wire.open(this.primary.port));
    const environment = {
      ...this.#stores(wire.port),
      HOST: '127.0.0.1',
      HOLDFAST_REDIS_TIMEOUT_MS: '1000',
      ...own,
    };
    const file = join(this.#product, 'dist', 'programs', `${name}.js`);
    return { program: startProgram(name, file, environment, this.lab.log), wire, url: '' };
  }
}

const isRunning = ({ child }: Program): boolean => child.exitCode === null && child.signalCode === null;

/** Asks again until the answer is true. @throws after a minute */
export async function until(
  isTrue: () => Promise<boolean>,
  failure: string | (() => string),
  withinMs = READY_MS_MAX,
): Promise<void> {
  const limitMs = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > limitMs) throw new Error(typeof failure === 'string' ? failure : failure());
    await sleep(POLL_MS);
  }
}
