/**
 * Three Sentinels that watch one group of Redis servers.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { choosePort } from '../../../src/local/data-folder.ts';
import type { Program } from '../../../src/local/machine.ts';
import { ServerProcess } from './process.ts';
import { adminOf, type RedisNode } from './redis.ts';

export const GROUP_NAME = 'holdfast';
const COUNT = 3;
const POLL_MS = 20;
const AGREE_MS_MAX = 30_000;
/** On a busy machine a shorter silence would be no death. */
const DOWN_AFTER_MS = 1_000;
const FAILOVER_MS = 2_000;

interface Sentinel {
  readonly port: number;
  readonly admin: Redis;
  readonly process: ServerProcess;
}

export class Sentinels {
  readonly #all: readonly Sentinel[];

  private constructor(all: readonly Sentinel[]) {
    this.#all = all;
  }

  static async start(program: Program, folder: string, primary: RedisNode): Promise<Sentinels> {
    const all: Sentinel[] = [];
    for (let i = 0; i < COUNT; i++) {
      const home = join(folder, `sentinel-${i}`);
      await mkdir(home, { recursive: true });
      const port = await choosePort(home, undefined, () => {});
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${home}`,
        `sentinel monitor ${GROUP_NAME} 127.0.0.1 ${primary.port} 2`,
        `sentinel down-after-milliseconds ${GROUP_NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${GROUP_NAME} ${FAILOVER_MS}`,
        `sentinel parallel-syncs ${GROUP_NAME} 2`,
      ];
      await writeFile(join(home, 'sentinel.conf'), `${lines.join('\n')}\n`);
      const admin = adminOf(port);
      const server = new ServerProcess({
        name: `sentinel on ${port}`,
        file: program.file,
        args: [join(home, 'sentinel.conf'), '--sentinel'],
        env: program.env,
        logFile: join(home, 'sentinel.log'),
        isReady: async () => (await admin.ping().catch(() => '')) === 'PONG',
      });
      await server.start();
      all.push({ port, admin, process: server });
    }
    return new Sentinels(all);
  }

  /** `host:port,host:port,host:port` */
  get hosts(): string {
    return this.#all.map(({ port }) => `127.0.0.1:${port}`).join(',');
  }

  /** The port of the primary as most of them see it; undefined where they do not agree. */
  async primaryPort(): Promise<number | undefined> {
    const seen = await Promise.all(
      this.#all.map(({ admin }) =>
        admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', GROUP_NAME).catch(() => undefined),
      ),
    );
    const ports = seen.map((address) => Number((address as string[] | undefined)?.[1]));
    return ports.find((port) => ports.filter((other) => other === port).length > COUNT / 2);
  }

  /** Waits until they see each other and all replicas, without which none of them would be promoted. */
  async agree(replicas: number): Promise<void> {
    const limitMs = performance.now() + AGREE_MS_MAX;
    while (!(await this.#see(replicas))) {
      if (performance.now() > limitMs) throw new Error('the Sentinels do not see each other');
      await sleep(POLL_MS);
    }
  }

  async #see(replicas: number): Promise<boolean> {
    for (const { admin } of this.#all) {
      const fields = (await admin.call('SENTINEL', 'MASTER', GROUP_NAME).catch(() => [])) as string[];
      const number = (name: string) => Number(fields[fields.indexOf(name) + 1]);
      if (number('num-other-sentinels') < COUNT - 1 || number('num-slaves') < replicas) return false;
      if (/down/.test(fields[fields.indexOf('flags') + 1] ?? 'down')) return false;
    }
    return true;
  }

  /** Waits for another primary. @returns its port */
  async promoted(beforePort: number, timeoutMs: number): Promise<number> {
    const limitMs = performance.now() + timeoutMs;
    for (;;) {
      const port = await this.primaryPort();
      if (port !== undefined && port !== beforePort) return port;
      if (performance.now() > limitMs) throw new Error('the Sentinels promoted no replica');
      await sleep(POLL_MS);
    }
  }

  /** `SENTINEL FAILOVER`: as a person does before maintenance. */
  async failover(): Promise<void> {
    const limitMs = performance.now() + AGREE_MS_MAX;
    for (;;) {
      try {
        await this.#all[0]?.admin.call('SENTINEL', 'FAILOVER', GROUP_NAME);
        return;
      } catch (error) {
        // INPROG, or NOGOODSLAVE while it has not heard of the replicas yet.
        if (performance.now() > limitMs) throw error;
        await sleep(10 * POLL_MS);
      }
    }
  }

  async close(): Promise<void> {
    for (const { admin, process } of this.#all) {
      admin.disconnect();
      await process.kill();
    }
  }
}
