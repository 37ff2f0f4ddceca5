/**
 * A small flash sale that every peer must pass before it is measured. Promises: a peer that sells a unit twice, keeps one
 * back, or takes a repeat for a new order has no figures.
 */
import { type Peer, type Room, type Setting, type Shop, skuNames, skuOf } from './peer.ts';
import { problemIn } from './stored.ts';

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
  let next = 0;
  const run = async (client: number) => {
    while (next < ids.length) {
      const id = ids[next++] as string;
      answers[await shop.reserve(id, skuOf(skus, 0), client)].add(id);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return answers;
}
