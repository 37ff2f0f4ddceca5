/**
 * Measures a peer at one number of clients, and checks its store. Promises: there is no figure where an order that got a
 * yes is missing in the store, where the store has one that got none, or where the units do not add up.
 */
import { closedLoop, percentile, UNCOUNTED } from '../callers.ts';
import { orderIds, UNITS } from '../hot-sku.ts';
import { load } from '../http-load.ts';
import { type Peer, type Room, type Setting, type Shop, skuNames, skuOf } from './peer.ts';
import { problemIn, WrongStore } from './stored.ts';

export interface Measured {
  /** Orders held. */
  readonly perSecond: number;
  /** Waits of the orders held, in milliseconds; not a number where none was. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The part of the orders that gave up, 0 to 1. */
  readonly gaveUp: number;
}

export interface Span {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** Orders a second that no peer reaches; it bounds the ids made beforehand. */
const PER_SECOND_MAX = 300_000;

/** @throws {WrongStore} */
export async function measurePeer(
  room: Room,
  peer: Peer,
  at: { clients: number; skus: number },
  span: Span,
): Promise<Measured> {
  const setting: Setting = { clients: at.clients, skus: skuNames(at.skus), units: UNITS };
  const shop = await peer.open(room, setting);
  try {
    const ask = shop.port === undefined ? askHere : askOverHttp;
    const { acknowledged, ...measured } = await ask(shop, setting, span);
    const problem = problemIn(await shop.stored(), peer.isLimit ? undefined : setting, acknowledged);
    if (problem !== undefined) throw new WrongStore(`${peer.name}, ${at.clients} clients: ${problem}`);
    return measured;
  } finally {
    await shop.close();
  }
}

type Asked = Measured & {
  /** Orders that got a yes. */ readonly acknowledged: number;
};

async function askHere(shop: Shop, { clients, skus }: Setting, span: Span): Promise<Asked> {
  const callsMax = Math.ceil(((span.warmUpMs + span.measureMs) / 1_000) * PER_SECOND_MAX);
  const ids = orderIds(callsMax);
  let held = 0;
  let gaveUp = 0;
  const calls = await closedLoop(
    clients,
    { ...span, callsMax },
    async () => ({}),
    async (n, client) => {
      const outcome = await shop.reserve(ids[n] as string, skuOf(skus, n), client);
      if (outcome === 'refused')
        throw new Error('its stock ran out: it sells faster than was thought possible');
      if (outcome === 'held') held++;
      else gaveUp++;
      return outcome === 'held' ? undefined : UNCOUNTED;
    },
  );
  return {
    perSecond: calls.perSecond,
    p50Ms: percentile(calls.latenciesMs, 0.5),
    p99Ms: percentile(calls.latenciesMs, 0.99),
    gaveUp: gaveUp / (held + gaveUp),
    acknowledged: held,
  };
}

async function askOverHttp({ port = 0 }: Shop, { clients, skus }: Setting, span: Span): Promise<Asked> {
  const { created, ...measured } = await load({
    port,
    connections: clients,
    skuOf: (n) => skuOf(skus, n),
    mark: 'm',
    warmUpMs: span.warmUpMs,
    durationMs: span.measureMs,
  });
  return { ...measured, gaveUp: 0, acknowledged: created };
}
