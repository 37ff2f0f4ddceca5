/**
 * Batches as the engine of a checkout sends them, made without a Redis: the arguments of EVALSHA are kept instead of sent.
 * Promises: the same batches on every call and machine.
 */
import { type Command, Redis } from 'ioredis';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';

/** What is needed of a checkout. */
export interface Checkout {
  readonly HotInventory: typeof HotInventory;
  readonly partitionKeys: typeof import('../../src/hotpath/keys.ts').partitionKeys;
}

/** A full batch. */
export const FULL = 256;
/** An instant; nothing falls due at it. */
export const CLOCK_MS = 1_800_000_000_000;
const UNITS = 1_000_000_000;

export interface Batch {
  readonly keys: readonly string[];
  readonly argv: readonly string[];
}

/** Batches that run one after the other on what the ones before left; the last is the one that matters. */
export interface Scenario {
  readonly name: string;
  readonly store: Readonly<Record<string, string>>;
  readonly batches: readonly Batch[];
}

/** Keeps what it is asked to send, and refuses to send it. */
class Recorder extends Redis {
  readonly batches: Batch[] = [];
  constructor() {
    super({ lazyConnect: true });
  }
  override sendCommand(command: Command): Promise<never> {
    const [, , count, ...rest] = wordsOf(String(command.toWritable(this.stream)));
    const keys = Number(count);
    this.batches.push({ keys: rest.slice(0, keys), argv: rest.slice(keys) });
    return Promise.reject(new Error('kept, not sent'));
  }
}

/** Of "*2\r\n$7\r\nevalsha\r\n...": what crosses the wire, however it was made. */
function wordsOf(wire: string): string[] {
  const words: string[] = [];
  for (let at = wire.indexOf('$'); at >= 0 && at < wire.length; ) {
    const start = wire.indexOf('\r\n', at) + 2;
    const end = start + Number(wire.slice(at + 1, start - 2));
    words.push(wire.slice(start, end));
    at = end + 2;
  }
  return words;
}

type Call = (hot: HotInventory) => Promise<unknown>;

/** Each list of calls as one batch, or as many as it takes where there are more than a batch holds. */
async function record(
  { HotInventory }: Checkout,
  lists: readonly (readonly Call[])[],
): Promise<readonly Batch[]> {
  const recorder = new Recorder();
  const limits = { batchCommandsMax: FULL, batchesInFlightMax: 1 };
  const clock = { lua: '', witnessMs: () => CLOCK_MS };
  const epoch = { number: 1, nonce: '00000001' };
  const hot = new HotInventory(recorder, { redisUrl: '', limits, clock }, epoch);
  for (const calls of lists) await Promise.allSettled(calls.map((call) => call(hot)));
  await hot.close();
  return recorder.batches;
}

/** 36 bytes, as order ids of most shops. */
const orderId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const calls = (
  from: number,
  count: number,
  call: (hot: HotInventory, n: number) => Promise<unknown>,
): Call[] => Array.from({ length: count }, (_, i) => (hot) => call(hot, from + i));
const line = (sku: number, quantity: number) => ({ sku: `SKU-${sku}`, warehouse: 'MAIN', quantity });
const reserves = (from: number, count: number, skus: number) =>
  calls(from, count, (hot, n) => hot.reserve({ orderId: orderId(n), lines: [line(n % skus, 1)] }));
const confirms = (from: number, count: number) =>
  calls(from, count, (hot, n) => hot.confirm({ orderId: orderId(n) }));
const receipts = (skus: number) =>
  calls(0, skus, (hot, n) => hot.receive({ movementId: `R-${n}`, ...line(n, UNITS) }));

/** Orders of one unit over so many SKUs: `size` of them, after a full batch of the same. */
const reserving =
  (skus: number) =>
  (size: number): Call[][] => [receipts(skus), reserves(0, FULL, skus), reserves(FULL, size, skus)];
const confirming = (size: number): Call[][] => [
  receipts(1),
  reserves(0, FULL, 1),
  reserves(FULL, FULL, 1),
  confirms(0, FULL),
  confirms(FULL, size),
];

export interface Kind {
  readonly name: string;
  /** A full batch and a batch of one order: their difference is the orders. */
  readonly full: Scenario;
  readonly single: Scenario;
}

/** What is counted. @param skus of the kind that has many */
export async function kinds(skus: number, checkout: Checkout): Promise<Kind[]> {
  const store = {
    [checkout.partitionKeys().control]: `v2 1 00000001 0 - ${CLOCK_MS} 0 0 ${'a'.repeat(40)} 0 open`,
  };
  const kind = async (name: string, lists: (size: number) => Call[][]): Promise<Kind> => {
    const scenario = async (size: number): Promise<Scenario> => ({
      name: `${name}, batch of ${size}`,
      store,
      batches: await record(checkout, lists(size)),
    });
    return { name, full: await scenario(FULL), single: await scenario(1) };
  };
  return [
    await kind('reserve', reserving(1)),
    await kind(`reserve, ${skus} SKUs`, reserving(skus)),
    await kind('confirm', confirming),
  ];
}
