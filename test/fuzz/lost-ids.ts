/**
 * Looks for every accepted id in Redis, in the ledger and in the export, byte for byte. The escape of Redis's texts is
 * spelled here a second time, so that the codec of src/ is not measured by itself.
 */
import { Writable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import { exportTo } from '../../src/bulk/exporting.ts';
import type { BulkFormat } from '../../src/bulk/records.ts';
import type { Extract } from '../../src/ledger/read/extracts.ts';
import type { Kind, World } from './every-route.ts';
import type { FuzzedHoldfast } from './fuzzed-holdfast.ts';

const LOST_MAX = 20;

/** @returns a sentence for each id that is missing somewhere; the first {@link LOST_MAX} */
export async function idsThatAreLost(holdfast: FuzzedHoldfast, world: World): Promise<string[]> {
  const lost = [
    ...(await lostInRedis(holdfast, world)),
    ...(await lostInLedger(holdfast, world)),
    ...(await lostInExport(holdfast, world, 'csv')),
    ...(await lostInExport(holdfast, world, 'ndjson')),
  ];
  return lost.slice(0, LOST_MAX);
}

/** An id as Redis's texts have it: UTF-8 bytes, letters, digits and inner `._:-` as they are, the others as `%XX`. */
export function escaped(id: string): string {
  let text = '';
  for (const byte of Buffer.from(id, 'utf8')) {
    const character = String.fromCharCode(byte);
    const isPlain = /[A-Za-z0-9]/.test(character) || (text !== '' && /[._:-]/.test(character));
    text += isPlain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function missing(
  where: string,
  what: string,
  accepted: Iterable<string>,
  found: ReadonlySet<string>,
): string[] {
  return [...accepted]
    .filter((id) => !found.has(id))
    .map((id) => `${what} ${JSON.stringify(id)} is not in ${where}`);
}

function idsOf(world: World, kind: Kind): Iterable<string> {
  return world.acceptedIds.get(kind) ?? [];
}

const itemName = (sku: unknown, warehouse: unknown) => JSON.stringify({ sku, warehouse });

const KEY_LETTERS: readonly [Kind, string][] = [
  ['order', 'r'],
  ['movement', 'm'],
  ['transfer', 't'],
  ['stocktake', 'k'],
  ['sale', 'f'],
];

async function lostInRedis({ redis, keys }: FuzzedHoldfast, world: World): Promise<string[]> {
  const start = keys.pattern.slice(0, -1);
  const found = new Map<string, Set<string>>();
  const lost: string[] = [];
  const items = new Set<string>();
  for (const key of await redis.keys(keys.pattern)) {
    const letter = /^([a-z]):/.exec(key.slice(start.length))?.[1];
    if (letter === undefined) continue;
    const id = read(key.slice(start.length + 2), lost);
    const ids = found.get(letter) ?? new Set();
    found.set(letter, ids.add(id));
    if (letter !== 's') continue;
    for (const field of await redis.hkeys(key)) {
      if (!field.startsWith('*')) items.add(itemName(id, read(field, lost)));
    }
  }
  for (const [kind, letter] of KEY_LETTERS) {
    lost.push(...missing('Redis', kind, idsOf(world, kind), found.get(letter) ?? new Set()));
  }
  lost.push(...missing('Redis', 'item', world.acceptedItems.keys(), items));
  const warehouses = new Set((await redis.hkeys(keys.warehouses)).map((field) => read(field, lost)));
  lost.push(...missing('Redis', 'warehouse', idsOf(world, 'warehouse'), warehouses));
  return lost;
}

/** The id of an escaped text; one that is not the escape of its id is lost as well. */
function read(text: string, lost: string[]): string {
  const id = decodeURIComponent(text);
  if (escaped(id) !== text)
    lost.push(`Redis has ${JSON.stringify(text)}, the escape of ${JSON.stringify(id)} is another`);
  return id;
}

const LEDGER_COLUMNS: readonly [Kind, string][] = [
  ['order', 'SELECT order_id FROM reservations'],
  ['order', 'SELECT order_id FROM ledger_entries'],
  ['mention', 'SELECT order_id FROM ledger_entries'],
  ['customer', 'SELECT customer_id FROM reservations'],
  ['actor', 'SELECT actor FROM ledger_entries'],
  ['movement', 'SELECT movement_id FROM ledger_entries'],
  ['transfer', 'SELECT transfer_id FROM transfers'],
  ['transfer', 'SELECT transfer_id FROM ledger_entries'],
  ['stocktake', 'SELECT stocktake_id FROM stocktake_lines'],
  ['stocktake', 'SELECT stocktake_id FROM ledger_entries'],
  ['sale', 'SELECT sale_id FROM sales'],
  ['warehouse', 'SELECT id FROM warehouses'],
  ['webhook', 'SELECT id FROM webhooks'],
];

async function lostInLedger({ postgres }: FuzzedHoldfast, world: World): Promise<string[]> {
  const lost: string[] = [];
  for (const [kind, query] of LEDGER_COLUMNS) {
    const { rows } = await postgres.query<[string]>({ text: query, rowMode: 'array' });
    lost.push(...missing(`the ledger (${query})`, kind, idsOf(world, kind), new Set(rows.map(([id]) => id))));
  }
  const { rows } = await postgres.query<{ sku: string; warehouse: string }>(
    'SELECT sku, warehouse FROM items',
  );
  const items = new Set(rows.map(({ sku, warehouse }) => itemName(sku, warehouse)));
  return [...lost, ...missing('the ledger', 'item', world.acceptedItems.keys(), items)];
}

async function lostInExport(holdfast: FuzzedHoldfast, world: World, format: BulkFormat): Promise<string[]> {
  const where = `the export as ${format}`;
  const entries = await exported(holdfast, 'ledger', format);
  const column = (name: string) => new Set(entries.map((row) => row[name] ?? ''));
  const stock = await exported(holdfast, 'stock', format);
  const warehouses = await exported(holdfast, 'warehouses', format);
  return [
    ...missing(where, 'order', idsOf(world, 'order'), column('orderId')),
    ...missing(where, 'movement', idsOf(world, 'movement'), column('movementId')),
    ...missing(where, 'actor', idsOf(world, 'actor'), column('actor')),
    ...missing(where, 'transfer', idsOf(world, 'transfer'), column('transferId')),
    ...missing(
      where,
      'item',
      world.acceptedItems.keys(),
      new Set(stock.map(({ sku, warehouse }) => itemName(sku, warehouse))),
    ),
    ...missing(
      where,
      'warehouse',
      idsOf(world, 'warehouse'),
      new Set(warehouses.map(({ warehouse }) => warehouse ?? '')),
    ),
  ];
}

async function exported(
  { ledger }: FuzzedHoldfast,
  extract: Extract,
  format: BulkFormat,
): Promise<Record<string, string>[]> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  await exportTo(output, ledger.extract(extract), format, { rows: 0, asOfMs: undefined });
  const text = Buffer.concat(chunks).toString('utf8');
  if (format === 'csv') return parse(text, { columns: true });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, string>);
}
