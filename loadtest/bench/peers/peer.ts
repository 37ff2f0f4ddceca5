/**
 * What a peer is: a way to sell units to many clients without selling one twice. Promises: each is measured on the same
 * work, an order of one unit that leaves a record with an expiry, and is judged by what then stands in its store.
 * Refuses to know: how a peer does it.
 */
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { Bench } from '../figures.ts';
import type { Server, ServerKind } from '../http-load.ts';
import type { InventoryState } from './books.ts';
import type { LedgerWorker } from './ledger-worker.ts';
import type { Replica } from './replica.ts';

/** Whose way it is: by it a peer has its colour. */
export type Family = 'Postgres' | 'Redis' | 'Holdfast' | 'limit';

/** `held` also where it was held before: a repeat. `gave-up`: others were faster as often as it was tried. */
export type Outcome = 'held' | 'refused' | 'gave-up';

export interface Setting {
  readonly clients: number;
  readonly skus: readonly string[];
  /** Of each SKU. */
  readonly units: number;
}

/** A peer with stock in it, ready for orders. */
export interface Shop {
  /** Where it is a server of POST /v1/reservations: then it is measured over HTTP. */
  readonly port?: number;
  /** One unit. @param client from 0 on, with one order under way at any time */
  reserve(orderId: string, sku: string, client: number): Promise<Outcome>;
  /** Asked once, when all orders are through; undefined where it writes nothing. @throws where two stores do not agree */
  books(): Promise<InventoryState | undefined>;
  close(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  readonly family: Family;
  /** Keeps no stock: how fast anything of its kind could be. It has no SKUs. */
  readonly isLimit: boolean;
  /** Orders can give up. */
  readonly givesUp: boolean;
  /** Opens it with nothing sold yet. */
  open(room: Room, setting: Setting): Promise<Shop>;
}

/** What the peers share, each made when it is first asked for. */
export interface Room {
  readonly bench: Bench;
  /** At most {@link POOL} connections, already made. */
  postgres(): Promise<pg.Pool>;
  /** So many connections to Redis, each with nobody else on it. */
  connections(count: number): Promise<readonly Redis[]>;
  /** A process of its own whose server is closed. */
  server(kind: ServerKind): Promise<Server>;
  replica(): Promise<Replica>;
  /** Carries what is decided into a ledger of its own. */
  worker(): Promise<LedgerWorker>;
}

/** Clients beyond these wait for a connection, as in any service: Postgres gets slower with more. */
export const POOL = 64;

const DIGITS = 4;

export function skuNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `SKU-${String(i).padStart(DIGITS, '0')}`);
}

/** The SKU of an order, by chance and always the same, so that peers meet the same orders in the same sequence. */
export function skuOf(skus: readonly string[], n: number): string {
  let hash = Math.imul(n + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return skus[((hash ^ (hash >>> 16)) >>> 0) % skus.length] as string;
}
