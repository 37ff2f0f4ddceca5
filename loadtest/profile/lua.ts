/**
 * The Lua program by counted instructions: what an order costs, and what a batch costs before its first order. Promises: the
 * same figures on every machine. What C functions do (patterns, formats, joined texts) is no instruction: their calls are
 * counted beside, and the bytes that are made, which the collector has to take back.
 */
import { readFileSync } from 'node:fs';
import { LUA_FILES, LUA_FOLDER, loadProgram } from '../../src/hotpath/program.ts';
import { FULL, type Kind, kinds } from './lua-batches.ts';
import { type Counts, countLua, hasLua, NO_LUA } from './lua-count.ts';
import { type Lines, linesOf } from './lua-lines.ts';
import { type Profile, Unavailable } from './profile.ts';
import type { Settings } from './settings.ts';
import { fold, type Stack, sum } from './stacks.ts';
import { type Row, table } from './tables.ts';

const MANY_SKUS = 1_000;
const FUNCTIONS_MAX = 25;
const LINES_MAX = 20;
const CALLS_MAX = 15;

type Figures = ReadonlyMap<string, number>;
/** What each name comes to for one order, and in a batch whatever is in it. */
interface Cost {
  readonly kind: string;
  readonly perOrder: Figures;
  readonly fixed: Figures;
}

export async function profileLua(settings: Settings): Promise<Profile> {
  if (!(await hasLua())) throw new Unavailable(NO_LUA);
  const all = await kinds(settings.skus ?? MANY_SKUS);
  const { text } = loadProgram();
  const counts = await countLua(
    text,
    all.flatMap(({ full, single }) => [full, single]),
  );
  const files = LUA_FILES.map(
    (name) => [`${name}.lua`, readFileSync(new URL(`${name}.lua`, LUA_FOLDER), 'utf8')] as const,
  );
  const lines = linesOf(text, new Map(files));
  return {
    title: `Lua instructions, batches of ${FULL} orders`,
    unit: 'instructions',
    stacks: all.flatMap(({ full }) => stacksOf(full.name, counts.get(full.name) ?? [], lines)),
    tables: tablesOf(all, counts, lines),
  };
}

/** @param name at the root, so that several scenarios share a picture */
export function stacksOf(name: string, counts: Counts, lines: Lines): Stack[] {
  const root = { name, room: 'batch' };
  return fold(
    counts.flatMap((count) => {
      if (count.kind !== 'line') return [];
      const last = count.stack.length - 1;
      const frames = count.stack
        // The program itself stands at the root; where it runs a line of its own, the line tells the file.
        .filter((begins, i) => begins !== 0 || i === last)
        .map((begins) => lines.frameOf(begins, count.line));
      return [{ frames: [root, ...frames], weight: count.instructions }];
    }),
  );
}

function tablesOf(all: readonly Kind[], counts: ReadonlyMap<string, Counts>, lines: Lines): string {
  const costs = (read: (count: Counts[number]) => [string, number] | undefined): Cost[] =>
    all.map(({ name, full, single }) => ({
      kind: name,
      ...apart(figures(counts.get(full.name) ?? [], read), figures(counts.get(single.name) ?? [], read)),
    }));
  const functionOf = (count: Counts[number] & { kind: 'line' }) =>
    lines.frameOf(count.stack.at(-1) ?? 0, count.line);
  const lineOf = (count: Counts[number] & { kind: 'line' }) => {
    const { file, line } = lines.placeOf(count.line);
    return `${file}:${line}  ${lines.textOf(count.line)}`;
  };
  const instructions = (name: (count: Counts[number] & { kind: 'line' }) => string) =>
    costs((count) => (count.kind === 'line' ? [name(count), count.instructions] : undefined));
  const bytes = costs((count) => (count.kind === 'line' ? [lineOf(count), count.bytes] : undefined));
  const calls = costs((count) => (count.kind === 'call' ? [count.name, count.calls] : undefined));
  return [
    costTable(
      'Instructions by file',
      instructions((count) => functionOf(count).room),
      FUNCTIONS_MAX,
    ),
    costTable(
      'Instructions by function',
      instructions((count) => functionOf(count).name),
      FUNCTIONS_MAX,
    ),
    costTable('Instructions by line', instructions(lineOf), LINES_MAX),
    costTable('Bytes made, by line', bytes, LINES_MAX),
    costTable('Calls of what is no Lua', calls, CALLS_MAX),
  ].join('\n');
}

function figures(counts: Counts, read: (count: Counts[number]) => [string, number] | undefined): Figures {
  const found = new Map<string, number>();
  for (const count of counts) {
    const [name, value] = read(count) ?? [];
    if (name !== undefined && value !== undefined) found.set(name, (found.get(name) ?? 0) + value);
  }
  return found;
}

/** Two batches tell what grows with the orders and what does not. */
export function apart(full: Figures, single: Figures): { perOrder: Figures; fixed: Figures } {
  const names = [...new Set([...full.keys(), ...single.keys()])];
  const slope = (name: string) => ((full.get(name) ?? 0) - (single.get(name) ?? 0)) / (FULL - 1);
  return {
    perOrder: new Map(names.map((name) => [name, slope(name)])),
    fixed: new Map(names.map((name) => [name, (single.get(name) ?? 0) - slope(name)])),
  };
}

/** The dearest in any column first, by what a full batch pays. */
function costTable(title: string, costs: readonly Cost[], rowsMax: number): string {
  const names = [...new Set(costs.flatMap(({ perOrder }) => [...perOrder.keys()]))];
  const paid = (name: string) =>
    sum(costs.map(({ perOrder, fixed }) => FULL * (perOrder.get(name) ?? 0) + (fixed.get(name) ?? 0)));
  const cells = (of: (figures: Figures) => number) =>
    costs.flatMap(({ perOrder, fixed }) => [of(perOrder), of(fixed)]);
  const rows = names
    .sort((a, b) => paid(b) - paid(a))
    .slice(0, rowsMax)
    .map((name): Row => [name, ...cells((found) => found.get(name) ?? 0)]);
  const total: Row = ['all', ...cells((found) => sum(found.values()))];
  const heads = ['', ...costs.flatMap(({ kind }) => [kind, 'a batch'])];
  return table(`${title}: per order, and in a batch whatever is in it`, heads, [total, ...rows]);
}
