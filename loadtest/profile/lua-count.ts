/**
 * Runs scenarios in plain Lua 5.1 and reads what count.lua says of them. Promises: what was counted was answered as it should
 * have been, else there is no count; the same program and scenarios come to the same counts.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CLOCK_MS, type Scenario } from './lua-batches.ts';

const run = promisify(execFile);

/** A thousand SKUs take some seconds. */
const RUN_MS_MAX = 120_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const COUNT = fileURLToPath(new URL('count.lua', import.meta.url));
const LUA = 'lua5.1';
export const NO_LUA = `${LUA} is not on PATH: on Debian and Ubuntu it is the package ${LUA} (apt-get install ${LUA}), elsewhere Lua 5.1 under that name`;

export interface LineCount {
  readonly kind: 'line';
  /** First lines of the functions under way, the innermost last; 0 is the program itself. */
  readonly stack: readonly number[];
  readonly line: number;
  readonly instructions: number;
  readonly bytes: number;
}
/** Calls of a function that is no Lua, whose instructions nobody counts. */
export interface CallCount {
  readonly kind: 'call';
  readonly stack: readonly number[];
  readonly name: string;
  readonly calls: number;
}
export type Counts = readonly (LineCount | CallCount)[];

export async function hasLua(): Promise<boolean> {
  try {
    await run(LUA, ['-v'], { timeout: RUN_MS_MAX });
    return true;
  } catch {
    return false;
  }
}

/** By the name of the scenario. @throws where the program fails, or says no to an order */
export async function countLua(
  program: string,
  scenarios: readonly Scenario[],
): Promise<Map<string, Counts>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-profile-'));
  try {
    const [programFile, batchesFile] = [join(folder, 'program.lua'), join(folder, 'batches.lua')];
    await writeFile(programFile, program);
    await writeFile(batchesFile, `return ${toLua(scenarios.map(withClock))}\n`);
    const args = [COUNT, programFile, batchesFile];
    const { stdout } = await run(LUA, args, { timeout: RUN_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX });
    const words = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    for (const { name } of scenarios) {
      expectYes(
        name,
        words.filter(([kind, scenario]) => kind === 'answer' && scenario === name).map(([, , text]) => text),
      );
    }
    return new Map(
      scenarios.map(({ name }) => [
        name,
        words.filter(([, scenario]) => scenario === name).flatMap(readCount),
      ]),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const withClock = ({ name, store, batches }: Scenario) => ({ name, clock_ms: CLOCK_MS, store, batches });

function readCount([kind, , stack = '', ...rest]: string[]): Counts {
  const lines = stack.split(',').map(Number);
  if (kind === 'line') {
    const [line = 0, instructions = 0, bytes = 0] = rest.map(Number);
    return [{ kind, stack: lines, line, instructions, bytes }];
  }
  return kind === 'call' ? [{ kind, stack: lines, name: rest[0] ?? '', calls: Number(rest[1]) }] : [];
}

/** A head, which answer each order has, then the different answers. */
function expectYes(name: string, answers: readonly (string | undefined)[]): void {
  const [head = '', , ...different] = answers;
  const no = different.find((answer) => !answer || /^(REFUSED|REPLAYED|NOT_READY)/.test(answer));
  if (!head.startsWith('OK ') || different.length === 0 || no !== undefined) {
    throw new Error(`${name} was not done: ${JSON.stringify([head, no])}`);
  }
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
