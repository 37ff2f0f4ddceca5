/**
 * Measures a peer at one number of clients, and checks its store. Promises: there is no figure where an order that got a
 * yes is missing in the store, where the store has one that got none, or where the units do not add up.
 */
import { closedLoop, eachOnce, percentile, UNCOUNTED } from '../callers.ts';
import { orderIds, UNITS } from '../hot-sku.ts';
import { load } from '../http-load.ts';
import {
  type Peer,
  problemIn,
  type Room,
  type Setting,
  type Shop,
  skuNames,
  skuOf,
  WrongStore,
} from './peer.ts';

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

/** `acknowledged`: orders that got a yes. */
type Asked = Measured & { readonly acknowledged: number };

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

// Before any measurement ------------------------------------------------------------------------------------

/** `early` orders come while there is stock for all of them. */
const TRIAL = { units: 50, orders: 100, early: 20, clients: 32 };

/**
 * More orders than units, each sent twice at once, and those that got one asked again: while there is stock, and when
 * there is none.
 * @throws where a unit is sold twice, is kept back, or an order gets two
 */
export async function tryPeer(room: Room, peer: Peer): Promise<void> {
  const { units, orders, early, clients } = TRIAL;
  const setting: Setting = { clients, skus: skuNames(1), units };
  const shop = await peer.open(room, setting);
  try {
    const ids = Array.from({ length: orders }, (_, n) => `trial-${n}`);
    const twice = ids.flatMap((id) => [id, id]);
    const first = await askEach(shop, twice.slice(0, 2 * early), setting);
    const again = await askEach(shop, [...first.held], setting);
    const rest = await askEach(shop, twice.slice(2 * early), setting);
    const held = [...first.held, ...rest.held];
    const late = await askEach(shop, held, setting);
    const refused = again.refused.size + late.refused.size;
    const problem =
      problemIn(await shop.stored(), setting, held.length) ??
      (refused > 0
        ? `${refused} orders that had their unit were refused when they asked again`
        : undefined) ??
      (held.length < units && !peer.givesUp
        ? `${held.length} of ${units} units were sold to ${orders} orders`
        : undefined);
    if (problem !== undefined) throw new Error(`${peer.name} cannot be trusted: ${problem}`);
  } finally {
    await shop.close();
  }
}

/** Each of these once, by all clients at once. */
async function askEach(shop: Shop, ids: readonly string[], { clients, skus }: Setting) {
  const answers = { held: new Set<string>(), refused: new Set<string>(), 'gave-up': new Set<string>() };
  await eachOnce(clients, 0, ids.length, async (n, client) => {
    const id = ids[n] as string;
    answers[await shop.reserve(id, skuOf(skus, 0), client)].add(id);
  });
  return answers;
}
