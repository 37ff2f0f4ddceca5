/**
 * `npm run quarantine`: items that hot path and ledger could not agree on (D8): which, why, and how they go on.
 * Exit code 0: done. 1: refused, with what to do. 2: a store is away or the call is wrong.
 */
import { parseArgs } from 'node:util';
import { readId } from '../domain/inputs/orders.ts';
import { QUANTITY_MAX } from '../domain/language.ts';
import { connectRedis, openConnection, openHotInventory } from '../hotpath/hot-inventory.ts';
import { openLedger } from '../ledger/ledger.ts';
import type { LiftParts } from '../worker/repair/lift.ts';
import { closeByHand, lift } from '../worker/repair/lift.ts';
import type { LiftOrder } from '../worker/repair/lift-plan.ts';
import { listText, quarantineList, showQuarantine, showText } from '../worker/repair/show.ts';
import { findStores } from './stores.ts';

const HELP = `npm run quarantine -- list | show SKU WAREHOUSE | lift SKU WAREHOUSE [options] | close SKU WAREHOUSE [options]
  list            items in quarantine, since when, why, and how many events wait
  show            the evidence: what was found, the events that wait, the figures of both sides
  lift            the item goes on: events that fit are booked, and Redis decides about it again
  close           puts an item in quarantine by hand, so that it can be lifted to one of the two sides
  --to-hot-path   lift: figures and orders are right in Redis; the ledger is corrected by an entry
  --to-ledger     lift: the ledger is right, with those events that wait and the rules allow; Redis is corrected
  --total N       lift, with one of the two: units that somebody counted, sold ones that were not shipped included
  --sold N        lift, with one of the two: units that are sold and not shipped yet
  --actor NAME    lift, close: who decides (required)
  --reason TEXT   lift, close: why (required)
  --wait SECONDS  how long to wait for the ledger to catch up (default 30)
  --json          answers as JSON`;

const ITEMS_MAX = 1_000;
const REASON_LENGTH_MAX = 500;

const { values, positionals } = readArguments();

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        'to-hot-path': { type: 'boolean', default: false },
        'to-ledger': { type: 'boolean', default: false },
        total: { type: 'string' },
        sold: { type: 'string' },
        actor: { type: 'string' },
        reason: { type: 'string' },
        wait: { type: 'string', default: '30' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${HELP}`);
    process.exit(2);
  }
}

function wholeNumber(option: string, text: string, max: number): number {
  const number = Number(text);
  if (!/^\d{1,10}$/.test(text) || number > max)
    throw new Error(`--${option}: use a whole number from 0 to ${max}`);
  return number;
}

/** Who decides and why; a repair without either says nothing to those who read the ledger later. */
function readWord(): { actor: string; reason: string } {
  const { actor, reason } = values;
  if (!actor) throw new Error('--actor is missing: say who decides');
  if (!reason?.trim()) throw new Error('--reason is missing: say why');
  if (reason.length > REASON_LENGTH_MAX)
    throw new Error(`--reason: use at most ${REASON_LENGTH_MAX} characters`);
  return { actor: readId('actor', actor), reason: reason.trim() };
}

function readLift(): LiftOrder {
  const [toHotPath, toLedger] = [values['to-hot-path'], values['to-ledger']];
  if (toHotPath && toLedger) throw new Error('name one side: --to-hot-path or --to-ledger');
  const right = toHotPath ? 'hot-path' : toLedger ? 'ledger' : undefined;
  const total = values.total === undefined ? undefined : wholeNumber('total', values.total, QUANTITY_MAX);
  const sold = values.sold === undefined ? undefined : wholeNumber('sold', values.sold, QUANTITY_MAX);
  if ((total !== undefined || sold !== undefined) && !right)
    throw new Error('--total, --sold: name a side as well, from which the rest is taken');
  return { right, total, sold, ...readWord() };
}

function print(answer: unknown, text: string): void {
  console.log(values.json ? JSON.stringify(answer, undefined, 2) : text);
}

async function main(): Promise<number> {
  const [verb = 'list', skuText, warehouseText, ...more] = positionals;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const takesItem = ['show', 'lift', 'close'].includes(verb);
  if ((verb !== 'list' && !takesItem) || more.length > 0 || (takesItem && !warehouseText)) {
    console.error(HELP);
    return 2;
  }
  const order = verb === 'lift' ? readLift() : undefined;
  const word = verb === 'close' ? readWord() : undefined;
  const waitMs = wholeNumber('wait', values.wait, 3_600) * 1_000;
  const { stores, config } = await findStores();
  const ledger = await openLedger({
    databaseUrl: stores.databaseUrl,
    role: order || word ? 'holdfast_writer' : 'holdfast_reader',
    applicationName: 'holdfast-quarantine',
  });
  try {
    if (verb === 'list') {
      const items = await quarantineList(ledger, ITEMS_MAX);
      print(items, listText(items));
      return 0;
    }
    const name = { sku: readId('sku', skuText ?? ''), warehouse: readId('warehouse', warehouseText ?? '') };
    const { redisUrl, prefix } = stores;
    const hot = await openHotInventory({ redisUrl, prefix, ack: config.ack });
    const redis = connectRedis(redisUrl);
    try {
      await openConnection(redis);
      const parts: LiftParts = { hot, redis, ledger, tombstoneMs: config.tombstoneMs, waitMs };
      if (verb === 'show') {
        const shown = await showQuarantine(parts, name);
        if (!shown) {
          console.error('the ledger does not know this item');
          return 1;
        }
        print(shown, showText(shown));
        return 0;
      }
      if (word) {
        const why = await closeByHand(parts, name, word.actor, word.reason);
        if (why === undefined)
          print({ outcome: 'closed' }, 'closed: lift it with --to-hot-path or --to-ledger');
        else print({ outcome: 'refused', why }, `REFUSED: ${why}`);
        return why === undefined ? 0 : 1;
      }
      if (!order) return 2;
      const answer = await lift(parts, name, order);
      if (answer.outcome === 'refused') {
        print(answer, `REFUSED: ${answer.why}`);
        return 1;
      }
      const { item, booked, leftOut, orders, finished } = answer;
      const { total, available, reserved, sold, version } = item;
      print(
        answer,
        [
          `lifted${finished ? ' (the ledger had been put right before; Redis has followed)' : ''}: ` +
            `total ${total} = ${available} available + ${reserved} reserved + ${sold} sold, version ${version}`,
          `${booked} events that waited are booked, ${leftOut.length} are not`,
          ...leftOut.map(({ parked, why }) => `  ${parked.event.type} of entry ${parked.sequence}: ${why}`),
          ...(orders.length > 0 ? [`orders that Redis now has as the ledger: ${orders.join(', ')}`] : []),
        ].join('\n'),
      );
      return 0;
    } finally {
      redis.disconnect();
      await hot.close();
    }
  } finally {
    await ledger.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
