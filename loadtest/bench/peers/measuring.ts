/**
 * Measures a peer at one number of clients, and asks its books. Promises: there is no figure where an order that got a
 * yes is missing in the store, where one is there that got none, or where the units do not add up.
 */
import { closedLoop, percentile, UNCOUNTED } from '../callers.ts';
import { orderIds, UNITS } from '../hot-sku.ts';
import { load } from '../http-load.ts';
import { type Books, type Peer, type Room, type Setting, type Shop, skuNames, skuOf } from './peer.ts';

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

/** Orders that got a yes; where clients hung up, some more may have been decided. */
interface Acknowledged {
  readonly orders: number;
  readonly orMore: number;
}

/** Orders a second that no peer reaches; it bounds the ids made beforehand. */
const PER_SECOND_MAX = 300_000;

const TRIAL = { units: 50, orders: 100, clients: 32 };

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
    const problem = problemIn(await shop.books(), peer.isLimit ? undefined : setting, acknowledged);
    if (problem !== undefined) throw new Error(`${peer.name}, ${at.clients} clients: ${problem}`);
    return measured;
  } finally {
    await shop.close();
  }
}

type Asked = Measured & { readonly acknowledged: Acknowledged };

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
    acknowledged: { orders: held, orMore: 0 },
  };
}

async function askOverHttp({ port = 0 }: Shop, { clients, skus }: Setting, span: Span): Promise<Asked> {
  const request = { port, connections: clients, skuOf: (n: number) => skuOf(skus, n) };
  const warmUp = await load({ ...request, mark: 'w', durationMs: span.warmUpMs });
  const { created, perSecond, p50Ms, p99Ms } = await load({
    ...request,
    mark: 'm',
    durationMs: span.measureMs,
  });
  // Each of the two loads hangs up on as many requests as it has connections.
  const acknowledged = { orders: warmUp.created + created, orMore: 2 * clients };
  return { perSecond, p50Ms, p99Ms, gaveUp: 0, acknowledged };
}

/**
 * What in the books is not as the answers were; undefined where all is well.
 * @param setting of a peer that keeps stock
 */
export function problemIn(
  books: Books | undefined,
  setting: Pick<Setting, 'skus' | 'units'> | undefined,
  { orders, orMore }: Acknowledged,
): string | undefined {
  if (!books) return undefined;
  const { available, reserved, holds } = books;
  if (holds < orders || holds > orders + orMore)
    return `${orders} orders got a yes, ${holds} holds are stored`;
  if (reserved !== holds) return `${reserved} units are reserved by ${holds} holds of one unit`;
  if (!setting) return undefined;
  const units = setting.units * setting.skus.length;
  if (available < 0 || available + reserved !== units) {
    return `${available} available and ${reserved} reserved, of ${units} units there ever were`;
  }
  return undefined;
}

/**
 * A small flash sale, before anything is measured: more orders than units, each sent twice at once and once again.
 * @throws where a unit is sold twice, is kept back, or an order gets two
 */
export async function tryPeer(room: Room, peer: Peer): Promise<void> {
  const { units, orders, clients } = TRIAL;
  const setting: Setting = { clients, skus: skuNames(1), units };
  const shop = await peer.open(room, setting);
  try {
    const ids = orderIds(orders).slice(0, orders);
    const first = await askEach(
      shop,
      ids.flatMap((id) => [id, id]),
      setting,
    );
    const again = await askEach(shop, [...first.held], setting);
    const [sold, refused] = [first.held.size, again.refused.size];
    const problem =
      problemIn(await shop.books(), setting, { orders: sold, orMore: 0 }) ??
      (refused > 0
        ? `${refused} orders that had their unit were refused when they asked again`
        : undefined) ??
      (sold < units && !peer.givesUp ? `${sold} of ${units} units were sold to ${orders} orders` : undefined);
    if (problem !== undefined) throw new Error(`${peer.name} cannot be trusted: ${problem}`);
  } finally {
    await shop.close();
  }
}

/** Each of these once, by all clients at once. */
async function askEach(shop: Shop, ids: readonly string[], { clients, skus }: Setting) {
  const told = { held: new Set<string>(), refused: new Set<string>(), 'gave-up': new Set<string>() };
  let next = 0;
  const run = async (client: number) => {
    while (next < ids.length) {
      const id = ids[next++] as string;
      told[await shop.reserve(id, skuOf(skus, 0), client)].add(id);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return told;
}
