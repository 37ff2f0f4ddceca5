/**
 * Requests for every route of the API with random ids in every place where an id can stand: path, query, body, header.
 * What was accepted is kept, so that later requests meet it again and the stores can be asked for it.
 */
import type { Candidate, candidates, Verdict } from './random-ids.ts';

/** What an id names, as far as the stores keep it; `mention`: an order that a movement names. */
export type Kind =
  | 'order'
  | 'mention'
  | 'customer'
  | 'actor'
  | 'movement'
  | 'sale'
  | 'transfer'
  | 'stocktake'
  | 'warehouse'
  | 'webhook';

/** Of a batch, what became of each. */
interface AnswerBody {
  readonly results?: readonly { readonly status: number }[];
}

export interface FuzzRequest {
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: object;
  readonly actor?: string;
  /** The worst of its ids. */
  readonly verdict: Verdict;
  /** What a good answer says of it, field by field. */
  readonly echoed: object;
  /** What else is wrong with an answer of 2xx. */
  readonly check: (body: AnswerBody) => string | undefined;
  /** Called where the answer is 2xx and right. @param isReplayed then the stores keep what the first request said */
  readonly accepted: (isReplayed: boolean, body: AnswerBody) => void;
}

/** One thing that exists, by the ids that lead to it. */
interface Item {
  readonly sku: string;
  readonly warehouse: string;
}
interface SaleOf extends Item {
  readonly saleId: string;
}

const POOL_MAX = 400;
const NEW_SHARE = 0.5;
const HOUR_MS = 3_600_000;

export interface Ids {
  readonly good: ReturnType<typeof candidates>;
  readonly bad: ReturnType<typeof candidates>;
  readonly unsure: ReturnType<typeof candidates>;
  readonly broken: readonly string[];
  /** From 0 to 1. */
  readonly chance: () => number;
}

export class World {
  readonly acceptedIds = new Map<Kind, Set<string>>();
  readonly acceptedItems = new Map<string, Item>();
  readonly items: Item[] = [];
  readonly open: (Item & { readonly orderId: string })[] = [];
  readonly orders: string[] = [];
  readonly movements: string[] = [];
  readonly sales: SaleOf[] = [];
  readonly transfers: string[] = [];
  readonly stocktakes: (Item & { readonly stocktakeId: string })[] = [];
  readonly webhooks: string[] = [];
  readonly ids: Ids;

  constructor(ids: Ids) {
    this.ids = ids;
  }

  pick<T>(pool: readonly T[]): T | undefined {
    return pool[Math.floor(this.ids.chance() * pool.length)];
  }

  keep<T>(pool: T[], one: T): void {
    if (pool.length < POOL_MAX) pool.push(one);
    else pool[Math.floor(this.ids.chance() * POOL_MAX)] = one;
  }

  accept(kind: Kind, text: string): void {
    let ids = this.acceptedIds.get(kind);
    if (!ids) {
      ids = new Set();
      this.acceptedIds.set(kind, ids);
    }
    ids.add(text);
  }
}

/** A request in the making: what its ids come to is noted here. */
class Draft {
  readonly #world: World;
  verdict: Verdict = 'good';

  constructor(world: World) {
    this.#world = world;
  }

  /** A new id; mostly good, so that requests with several of them get through. */
  fresh(): string {
    const { ids } = this.#world;
    const dice = ids.chance();
    const source = dice < 0.9 ? ids.good : dice < 0.97 ? ids.bad : ids.unsure;
    const { text, verdict } = source.next().value as Candidate;
    this.#judge(verdict);
    return text;
  }

  /** One that exists, or a new one. */
  known(pool: readonly string[]): string {
    const { ids } = this.#world;
    const one = ids.chance() < NEW_SHARE ? undefined : this.#world.pick(pool);
    return one ?? this.fresh();
  }

  /** One that exists, or a new one, whose ids are made when they are used. */
  item(): Item {
    const one = this.#world.ids.chance() < 0.1 ? undefined : this.#world.pick(this.#world.items);
    if (one) return one;
    const fresh = () => this.fresh();
    let sku: string | undefined;
    let warehouse: string | undefined;
    return {
      get sku() {
        sku ??= fresh();
        return sku;
      },
      get warehouse() {
        warehouse ??= fresh();
        return warehouse;
      },
    };
  }

  /** A path, each id percent-encoded; now and then with something that no text is encoded to. */
  path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
    let path = parts[0] ?? '';
    ids.forEach((id, i) => {
      path += this.#segment(id) + (parts[i + 1] ?? '');
    });
    return path;
  }

  #segment(id: string): string {
    const { ids } = this.#world;
    if (ids.chance() < 0.02) {
      this.#judge('bad');
      return ids.broken[Math.floor(ids.chance() * ids.broken.length)] ?? '%';
    }
    return encoded(id);
  }

  /** A query of these, those left out that are undefined. */
  query(of: Readonly<Record<string, string | undefined>>): string {
    const pairs = Object.entries(of).flatMap(([name, id]) =>
      id === undefined ? [] : [`${name}=${encoded(id)}`],
    );
    return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  }

  maybe<T>(make: () => T): T | undefined {
    return this.#world.ids.chance() < 0.4 ? make() : undefined;
  }

  #judge(verdict: Verdict): void {
    if (verdict === 'bad' || (verdict === 'unsure' && this.verdict === 'good')) this.verdict = verdict;
  }
}

/** As encodeURIComponent, but for halves of characters, which it throws at: they go as the bytes nobody may send. */
function encoded(id: string): string {
  let text = '';
  for (const character of id) {
    text += /^[\ud800-\udfff]$/.test(character)
      ? `%ED%${(0x80 | ((character.charCodeAt(0) >> 6) & 0x3f)).toString(16).toUpperCase()}%80`
      : encodeURIComponent(character);
  }
  return text;
}

type Made = Pick<FuzzRequest, 'method' | 'path' | 'body' | 'actor'> & {
  readonly echoed?: object;
  /** Ids that the stores keep once it is done. */
  readonly stores?: readonly (readonly [Kind, string])[];
  readonly check?: FuzzRequest['check'];
  readonly done?: (body: AnswerBody) => void;
};
type Maker = (draft: Draft, world: World) => Made | undefined;

const without = <T extends object>(of: T): T =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as T;

function movement(name: string, extra: (draft: Draft) => object): Maker {
  return (draft, world) => {
    const isReceipt = name === 'receive';
    const isNew = isReceipt && world.ids.chance() < 0.5;
    const item = isNew ? { sku: draft.fresh(), warehouse: draft.fresh() } : draft.item();
    const movementId = draft.fresh();
    const more = extra(draft);
    return {
      method: 'POST',
      path: `/v1/stock/${name}`,
      body: { movementId, ...item, ...more },
      ...actor(draft),
      echoed: item,
      stores: [
        ['movement', movementId],
        ...('orderId' in more ? [['mention', more.orderId as string] as const] : []),
      ],
      done: () => {
        world.keep(world.movements, movementId);
        if (isReceipt) {
          world.keep(world.items, item);
          world.acceptedItems.set(JSON.stringify(item), item);
        }
      },
    };
  };
}

function order(draft: Draft, world: World) {
  const sale = world.ids.chance() < 0.2 ? world.pick(world.sales) : undefined;
  const item = sale ?? draft.item();
  const orderId = draft.fresh();
  const withWarehouse = sale === undefined && world.ids.chance() < 0.5;
  const line = { sku: item.sku, quantity: 1, ...(withWarehouse && { warehouse: item.warehouse }) };
  const customerId = sale || world.ids.chance() < 0.5 ? draft.fresh() : undefined;
  return {
    body: without({
      orderId,
      lines: [line],
      saleId: sale?.saleId,
      customerId,
      shipTo: world.ids.chance() < 0.2 ? { latitude: 25, longitude: 121.5 } : undefined,
    }),
    echoed: { orderId, lines: [{ sku: item.sku }] },
    stores: [
      ['order', orderId] as const,
      ...(customerId === undefined ? [] : [['customer', customerId] as const]),
    ],
    done: () => {
      world.keep(world.orders, orderId);
      world.keep(world.open, { ...item, orderId });
    },
  };
}

function ofAnOrder(verb: string, body: (draft: Draft, item: Item) => object): Maker {
  return (draft, world) => {
    const known = world.ids.chance() < 0.1 ? undefined : world.pick(world.open);
    const one = known ?? { orderId: draft.fresh(), sku: 'TEA-1', warehouse: 'TPE' };
    return {
      method: 'POST',
      path: `${draft.path`/v1/reservations/${one.orderId}`}/${verb}`,
      body: without(body(draft, one)),
      ...actor(draft),
      echoed: { orderId: one.orderId },
    };
  };
}

function actor(draft: Draft): { actor?: string } {
  const name = draft.maybe(() => draft.fresh());
  return name === undefined ? {} : { actor: name };
}

function sheet(draft: Draft, world: World) {
  const known = world.ids.chance() < 0.1 ? undefined : world.pick(world.stocktakes);
  return known ?? { sku: 'TEA-1', warehouse: 'TPE', stocktakeId: draft.fresh() };
}

const get = (path: string, echoed: object = {}): Made => ({ method: 'GET', path, echoed });

/** By the operation's name in the OpenAPI document. */
const MAKERS: Readonly<Record<string, Maker>> = {
  receive: movement('receive', () => ({ quantity: 1_000 })),
  issue: movement('issue', () => ({ quantity: 1, reason: 'fuzz' })),
  ship: movement('ship', (draft) => without({ quantity: 1, orderId: draft.maybe(() => draft.fresh()) })),
  return: movement('return', (draft) => without({ quantity: 1, orderId: draft.maybe(() => draft.fresh()) })),
  correct: movement('correct', () => ({ total: 900, expectedVersion: 1, reason: 'fuzz' })),
  getItem: (draft) => {
    const { sku } = draft.item();
    return get(draft.path`/v1/items/${sku}`, { sku });
  },
  setSafetyStock: (draft) => {
    const item = draft.item();
    return {
      method: 'PUT',
      path: draft.path`/v1/items/${item.sku}/warehouses/${item.warehouse}/safety-stock`,
      body: { quantity: 1_001 },
      ...actor(draft),
      echoed: item,
    };
  },
  explainItem: (draft) => {
    const item = draft.item();
    return get(draft.path`/v1/items/${item.sku}/warehouses/${item.warehouse}/explain`, item);
  },
  getItemAsOf: (draft) => {
    const item = draft.item();
    return get(draft.path`/v1/items/${item.sku}/warehouses/${item.warehouse}/as-of?version=1`, {
      item,
      entry: item,
    });
  },
  reserve: (draft, world) => {
    const { body, ...rest } = order(draft, world);
    return { method: 'POST', path: '/v1/reservations', body, ...actor(draft), ...rest };
  },
  reserveBatch: (draft, world) => {
    // Each order is answered for itself, so nothing makes the whole a bad one.
    const all = Array.from({ length: 1 + Math.floor(world.ids.chance() * 5) }, () => {
      const own = new Draft(world);
      return { draft: own, ...order(own, world) };
    });
    const ofActor = new Draft(world);
    const by = actor(ofActor);
    // A header that cannot even be decoded refuses the whole.
    if (ofActor.verdict !== 'good') draft.verdict = 'unsure';
    const verdictOf = ({ draft }: { draft: Draft }) =>
      ofActor.verdict === 'bad' ? 'bad' : ofActor.verdict === 'unsure' ? 'unsure' : draft.verdict;
    return {
      method: 'POST',
      path: '/v1/reservations/batch',
      body: { reservations: all.map(({ body }) => body) },
      ...by,
      check: ({ results = [] }) => {
        const wrong = all.findIndex((one, i) => {
          const verdict = verdictOf(one);
          return verdict !== 'unsure' && (results[i]?.status === 400) !== (verdict === 'bad');
        });
        return wrong < 0
          ? undefined
          : `order ${wrong} of the batch is ${verdictOf(all[wrong] as { draft: Draft })}`;
      },
      done: ({ results = [] }) => {
        all.forEach(({ stores, done }, i) => {
          if ((results[i]?.status ?? 400) >= 300) return;
          for (const [kind, id] of stores) world.accept(kind, id);
          done();
        });
      },
    };
  },
  getReservation: (draft, world) => {
    const orderId = draft.known(world.orders);
    return get(draft.path`/v1/reservations/${orderId}`, { orderId });
  },
  confirm: ofAnOrder(
    'confirm',
    (draft, item) =>
      draft.maybe(() => ({ proposeTransferTo: draft.fresh() })) ?? {
        lines: draft.maybe(() => [{ sku: item.sku, quantity: 1 }]),
      },
  ),
  release: ofAnOrder('release', (draft, item) => ({
    lines: draft.maybe(() => [{ sku: item.sku, quantity: 1 }]),
    releaseId: draft.maybe(() => draft.fresh()),
  })),
  extend: ofAnOrder('extend', () => ({ holdSeconds: 3_600 })),
  putWarehouse: (draft, world) => {
    const warehouse = world.ids.chance() < 0.5 ? draft.item().warehouse : draft.fresh();
    return {
      method: 'PUT',
      path: draft.path`/v1/warehouses/${warehouse}`,
      body: { name: 'fuzz', latitude: 25, longitude: 121 },
      echoed: { warehouse },
      stores: [['warehouse', warehouse]],
    };
  },
  listWarehouses: (draft) =>
    get(`/v1/warehouses${draft.query({ after: draft.maybe(() => draft.fresh()), limit: '5' })}`),
  startStocktake: (draft, world) => {
    const item = draft.item();
    const stocktakeId = draft.known(world.stocktakes.map((one) => one.stocktakeId));
    const isList = world.ids.chance() < 0.3;
    return {
      method: 'POST',
      path: '/v1/stocktakes',
      body: {
        stocktakeId,
        warehouse: item.warehouse,
        ...(isList ? { skus: [item.sku] } : { sku: item.sku }),
        leaseSeconds: 3_600,
      },
      ...actor(draft),
      echoed: { stocktakeId },
      // Of many items, each may be refused.
      stores: isList ? [] : [['stocktake', stocktakeId]],
      done: () => world.keep(world.stocktakes, { ...item, stocktakeId }),
    };
  },
  completeStocktake: (draft, world) => {
    const { stocktakeId, sku, warehouse } = sheet(draft, world);
    const isOne = world.ids.chance() < 0.5;
    const counted = { sku, warehouse, counted: 1_000 };
    return {
      method: 'POST',
      path: draft.path`/v1/stocktakes/${stocktakeId}/complete`,
      body: isOne ? counted : { counts: [counted] },
      // Of many counts each is answered for itself, also where the actor is no id.
      ...(isOne ? actor(draft) : {}),
    };
  },
  cancelStocktake: (draft, world) => {
    const { stocktakeId, sku, warehouse } = sheet(draft, world);
    const line = draft.maybe(() => ({ sku, warehouse }));
    return {
      method: 'POST',
      path: draft.path`/v1/stocktakes/${stocktakeId}/cancel`,
      body: line ?? {},
      // Without a line there may be nothing to cancel, and so nobody who does.
      ...(line ? actor(draft) : {}),
      echoed: { stocktakeId },
    };
  },
  getStocktake: (draft, world) => {
    const { stocktakeId } = sheet(draft, world);
    return get(draft.path`/v1/stocktakes/${stocktakeId}`, { stocktakeId });
  },
  listStocktakes: (draft) =>
    get(`/v1/stocktakes${draft.query({ after: draft.maybe(() => draft.fresh()), limit: '5' })}`),
  dispatchTransfer: (draft, world) => {
    const { sku, warehouse: from } = draft.item();
    const transferId = draft.fresh();
    const to = world.ids.chance() < 0.5 ? draft.item().warehouse : draft.fresh();
    if (from === to) return undefined;
    return {
      method: 'POST',
      path: '/v1/transfers',
      body: { transferId, sku, from, to, quantity: 2 },
      ...actor(draft),
      echoed: { transferId, sku, from, to },
      stores: [['transfer', transferId]],
      done: () => world.keep(world.transfers, transferId),
    };
  },
  receiveTransfer: (draft, world) => {
    const transferId = draft.known(world.transfers);
    return {
      method: 'POST',
      path: draft.path`/v1/transfers/${transferId}/receive`,
      body: without({ received: 1, receiptId: draft.maybe(() => draft.fresh()) }),
      ...actor(draft),
      echoed: { transferId },
    };
  },
  cancelTransfer: (draft, world) => {
    const transferId = draft.known(world.transfers);
    return {
      method: 'POST',
      path: draft.path`/v1/transfers/${transferId}/cancel`,
      ...actor(draft),
      echoed: { transferId },
    };
  },
  getTransfer: (draft, world) => {
    const transferId = draft.known(world.transfers);
    return get(draft.path`/v1/transfers/${transferId}`, { transferId });
  },
  listTransfers: () => get('/v1/transfers?limit=5'),
  scheduleSale: (draft, world) => {
    const item = draft.item();
    const saleId = draft.fresh();
    const nowMs = Date.now();
    return {
      method: 'POST',
      path: '/v1/sales',
      body: {
        saleId,
        sku: item.sku,
        opensAt: new Date(nowMs - HOUR_MS).toISOString(),
        closesAt: new Date(nowMs + HOUR_MS).toISOString(),
        quantity: 5,
        limitPerCustomer: 2,
      },
      ...actor(draft),
      echoed: { saleId, sku: item.sku },
      stores: [['sale', saleId]],
      done: () => world.keep(world.sales, { ...item, saleId }),
    };
  },
  closeSale: (draft, world) => {
    const saleId = draft.known(world.sales.map((sale) => sale.saleId));
    return {
      method: 'POST',
      path: draft.path`/v1/sales/${saleId}/close`,
      ...actor(draft),
      echoed: { saleId },
    };
  },
  getSale: (draft, world) => {
    const saleId = draft.known(world.sales.map((sale) => sale.saleId));
    return get(draft.path`/v1/sales/${saleId}`, { saleId });
  },
  listSales: (draft) =>
    get(`/v1/sales${draft.query({ sku: draft.maybe(() => draft.item().sku), limit: '5' })}`),
  listLedgerEntries: (draft, world) => {
    const item = draft.item();
    const query = {
      sku: draft.maybe(() => item.sku),
      warehouse: draft.maybe(() => item.warehouse),
      orderId: draft.maybe(() => draft.known(world.orders)),
      movementId: draft.maybe(() => draft.known(world.movements)),
      transferId: draft.maybe(() => draft.known(world.transfers)),
      limit: '5',
    };
    return get(`/v1/ledger${draft.query(query)}`);
  },
  getReconciliation: () => get('/v1/reconciliation'),
  listAlerts: (draft) => {
    const item = draft.item();
    const [sku, warehouse] = [draft.maybe(() => item.sku), draft.maybe(() => item.warehouse)];
    return get(`/v1/alerts${draft.query({ sku, warehouse, limit: '5' })}`);
  },
  acknowledgeAlert: (draft, world) => ({
    method: 'POST',
    path: `/v1/alerts/${1 + Math.floor(world.ids.chance() * 1_000)}/acknowledge`,
    body: {},
    ...actor(draft),
  }),
  listShortfalls: () => get('/v1/shortfalls?limit=5'),
  resolveShortfall: (draft, world) => {
    const orderId = draft.known(world.orders);
    return {
      method: 'POST',
      path: draft.path`/v1/shortfalls/${orderId}/resolve`,
      body: { resolution: 'fuzz' },
      ...actor(draft),
      echoed: { orderId },
    };
  },
  listTransferProposals: () => get('/v1/transfer-proposals?limit=5'),
  dismissTransferProposal: (draft, world) => ({
    method: 'POST',
    path: `/v1/transfer-proposals/${1 + Math.floor(world.ids.chance() * 100)}/dismiss`,
    ...actor(draft),
  }),
  setWebhook: (draft, world) => {
    const webhookId = draft.known(world.webhooks);
    return {
      method: 'PUT',
      path: draft.path`/v1/webhooks/${webhookId}`,
      body: { url: 'http://127.0.0.1:9/none' },
      ...actor(draft),
      echoed: { webhookId },
      stores: [['webhook', webhookId]],
      done: () => world.keep(world.webhooks, webhookId),
    };
  },
  listWebhooks: () => get('/v1/webhooks'),
  disableWebhook: (draft, world) => {
    const webhookId = draft.known(world.webhooks);
    return {
      method: 'POST',
      path: draft.path`/v1/webhooks/${webhookId}/disable`,
      ...actor(draft),
      echoed: { webhookId },
    };
  },
  listDeliveries: (draft, world) => {
    const webhookId = draft.known(world.webhooks);
    return get(draft.path`/v1/webhooks/${webhookId}/deliveries?limit=5`);
  },
  retryDelivery: (draft, world) => {
    const webhookId = draft.known(world.webhooks);
    return {
      method: 'POST',
      path: draft.path`/v1/webhooks/${webhookId}/deliveries/1/retry`,
    };
  },
};

/** The operations there are requests for. */
export const OPERATIONS = Object.keys(MAKERS);
/** Those that make things come more often, for the others need them. */
const WEIGHTED = OPERATIONS.flatMap((name) => {
  if (name === 'receive' || name === 'reserve') return Array<string>(8).fill(name);
  return ['confirm', 'release', 'dispatchTransfer', 'startStocktake', 'scheduleSale'].includes(name)
    ? [name, name, name]
    : [name];
});

/** Each writes an entry of the ledger with the actor. */
const WRITES_ACTOR = new Set([
  ...['receive', 'issue', 'ship', 'return', 'correct', 'reserve', 'confirm', 'release', 'dispatchTransfer'],
]);

/** The next request at random. */
export function nextRequest(world: World): FuzzRequest {
  for (;;) {
    const operation = world.pick(WEIGHTED) ?? 'receive';
    const draft = new Draft(world);
    const made = MAKERS[operation]?.(draft, world);
    if (!made) continue;
    const { done, check = () => undefined, stores = [], echoed = {}, ...request } = made;
    return {
      operation,
      ...request,
      verdict: draft.verdict,
      echoed,
      check,
      accepted: (isReplayed, body) => {
        for (const [kind, id] of stores) world.accept(kind, id);
        const isWritten = !isReplayed && WRITES_ACTOR.has(operation);
        if (isWritten && request.actor !== undefined) world.accept('actor', request.actor);
        done?.(body);
      },
    };
  }
}
