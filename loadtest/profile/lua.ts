/**
 * The Lua program by counted instructions: what an order costs, and what a batch costs before its first order. Promises: the
 * same figures on every machine. What C functions do (patterns, formats) is no instruction: their calls are counted apart.
 */
import { resolve } from 'node:path';
import { align } from '../bench/report.ts';
import { builtModule } from '../bench/shipped.ts';
import { type Checkout, FULL, type Kind, kinds } from './lua-batches.ts';
import { type Count, countLua } from './lua-count.ts';

const MANY_SKUS = 1_000;
const ROWS_MAX = 20;

type Sums = ReadonlyMap<string, number>;
/** The value of each name for one order, and of a batch whatever is in it. */
interface Cost {
  readonly kind: string;
  readonly perOrder: Sums;
  readonly fixed: Sums;
}
type Counted = readonly {
  readonly kind: Kind;
  readonly full: readonly Count[];
  readonly single: readonly Count[];
}[];

const NAMES = [/^\s*(?:local )?function ([\w.]+)/, /([\w.]+(?:\["[\w-]+"\])?)\s*[=(]\s*function\b/];

/** @param other folder of another built checkout. @returns the tables. @throws {Unavailable} without Lua 5.1 */
export async function profileLua(other: string | undefined): Promise<string> {
  const { text, counted } = await countCheckout(new URL('../..', import.meta.url).pathname);
  if (other !== undefined) {
    const there = await countCheckout(resolve(other));
    const totals = (all: Counted) => costsOf(all, 'function', () => 'all');
    return [
      costTable('Instructions, here', totals(counted)),
      costTable(`Instructions, ${other}`, totals(there.counted)),
    ].join('\n');
  }
  const lines = text.split('\n');
  return [
    costTable(
      'Instructions by function',
      costsOf(counted, 'function', (name) => functionName(lines, Number(name))),
    ),
    costTable(
      'Calls of C functions',
      costsOf(counted, 'call', (name) => name),
    ),
  ].join('\n');
}

/** @param begins its first line in the joined program; 0 for the program itself */
export function functionName(lines: readonly string[], begins: number): string {
  if (begins === 0) return 'the program itself';
  const text = lines[begins - 1] ?? '';
  const name = NAMES.map((pattern) => pattern.exec(text)?.[1]).find(Boolean) ?? 'function';
  return `${name} (line ${begins})`;
}

async function countCheckout(folder: string): Promise<{ text: string; counted: Counted }> {
  const load = (name: string) => builtModule(folder, 'hotpath', name);
  const { HotInventory } = (await load('hot-inventory')) as Pick<Checkout, 'HotInventory'>;
  const { partitionKeys } = (await load('keys')) as Pick<Checkout, 'partitionKeys'>;
  const { text } = ((await load('program')) as { loadProgram(): { text: string } }).loadProgram();
  const all = await kinds(MANY_SKUS, { HotInventory, partitionKeys });
  const counts = await countLua(
    text,
    all.flatMap(({ full, single }) => [full, single]),
  );
  const of = (name: string) => counts.get(name) ?? [];
  return {
    text,
    counted: all.map((kind) => ({ kind, full: of(kind.full.name), single: of(kind.single.name) })),
  };
}

function costsOf(counted: Counted, kind: Count['kind'], nameOf: (name: string) => string): Cost[] {
  const sums = (counts: readonly Count[]): Sums => {
    const found = new Map<string, number>();
    for (const count of counts) {
      if (count.kind !== kind) continue;
      const name = nameOf(count.name);
      found.set(name, (found.get(name) ?? 0) + count.times);
    }
    return found;
  };
  return counted.map(({ kind: { name }, full, single }) => ({
    kind: name,
    ...apart(sums(full), sums(single)),
  }));
}

/** A full batch and a batch of one order separate what grows with the orders from what does not. */
export function apart(full: Sums, single: Sums): { perOrder: Sums; fixed: Sums } {
  const names = [...new Set([...full.keys(), ...single.keys()])];
  const slope = (name: string) => ((full.get(name) ?? 0) - (single.get(name) ?? 0)) / (FULL - 1);
  return {
    perOrder: new Map(names.map((name) => [name, slope(name)])),
    fixed: new Map(names.map((name) => [name, (single.get(name) ?? 0) - slope(name)])),
  };
}

/** The most expensive first, by what a full batch costs in all columns together. */
function costTable(title: string, costs: readonly Cost[]): string {
  const names = [...new Set(costs.flatMap(({ perOrder }) => [...perOrder.keys()]))];
  const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
  const paid = (name: string) =>
    total(costs.map(({ perOrder, fixed }) => FULL * (perOrder.get(name) ?? 0) + (fixed.get(name) ?? 0)));
  const cells = (read: (sums: Sums) => number) =>
    costs.flatMap(({ perOrder, fixed }) => [read(perOrder).toFixed(1), read(fixed).toFixed(1)]);
  const rows = names
    .sort((a, b) => paid(b) - paid(a))
    .slice(0, ROWS_MAX)
    .map((name) => [name, ...cells((sums) => sums.get(name) ?? 0)]);
  const heads = [`${title}: per order, and fixed per batch`, ...costs.flatMap(({ kind }) => [kind, 'batch'])];
  const all = ['all', ...cells((sums) => total(sums.values()))];
  return [
    '',
    ...align([heads, all, ...rows.filter(([name]) => name !== 'all')], (column) => column > 0),
  ].join('\n');
}
