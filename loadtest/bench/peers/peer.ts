/**
 * What a peer is: a way to sell units to many clients without selling one twice. Promises: all are measured on the same
 * work, an order of one unit that leaves a record with an expiry, and are checked by what their store has afterwards.
 */
import type pg from 'pg';
import type { Bench } from '../figures.ts';
import { SKU } from '../hot-sku.ts';
import type { Server } from '../http-load.ts';
import type { LedgerWorker } from './ledger-worker.ts';

/** `held` also for a repeat of an order that is held. `gave-up`: it lost against others as often as it tried. */
export type Outcome = 'held' | 'refused' | 'gave-up';

export interface Setting {
  readonly clients: number;
  readonly skus: readonly string[];
  /** Of each SKU. */
  readonly units: number;
}

/** A peer with stock in it, ready for orders. */
export interface Shop {
  /** Of a server of POST /v1/reservations: such a peer is measured over HTTP. */
  readonly port?: number;
  /** One unit. @param client from 0 on, with one order in flight at any time */
  reserve(orderId: string, sku: string, client: number): Promise<Outcome>;
  /** Called once, when all orders are answered. @throws where two stores differ */
  stored(): Promise<Stored>;
  close(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  /** Keeps no stock: an upper limit for its kind, no way to sell. */
  readonly isLimit: boolean;
  /** Orders can give up. */
  readonly givesUp: boolean;
  /** Opens it with nothing sold yet. */
  open(room: Room, setting: Setting): Promise<Shop>;
}

/** What the peers share. */
export interface Room {
  readonly bench: Bench;
  /** {@link POOL} connections. */
  readonly postgres: pg.Pool;
  /** A process of its own whose server is closed. */
  readonly server: Server;
  /** Copies decisions into a ledger of its own. */
  readonly worker: LedgerWorker;
}

/** Further clients wait for a connection, as in any service: Postgres gets slower with more connections. */
export const POOL = 64;

const DIGITS = 4;

export function skuNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `SKU-${String(i).padStart(DIGITS, '0')}`);
}

/** One SKU is the hot one. */
export const namesOf = (count: number): string[] => (count === 1 ? [SKU] : skuNames(count));

/** The SKU of an order: pseudo-random and always the same, so that all peers get the same sequence of orders. */
export function skuOf(skus: readonly string[], n: number): string {
  let hash = Math.imul(n + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return skus[((hash ^ (hash >>> 16)) >>> 0) % skus.length] as string;
}

/** What is stored, over all SKUs. */
export interface Stored {
  readonly available: number;
  readonly reserved: number;
  /** Records of holds that have an expiry. */
  readonly holds: number;
}

/** Store and answers differ: no measurement is accepted after that. */
export class WrongStore extends Error {}

/**
 * What in the store differs from the answers; undefined where nothing does.
 * @param acknowledged orders that got a yes
 * @param stock at the beginning, of a peer that keeps stock
 */
export function problemIn(
  { available, reserved, holds }: Stored,
  stock: { readonly skus: readonly string[]; readonly units: number } | undefined,
  acknowledged: number,
): string | undefined {
  if (holds !== acknowledged) return `${acknowledged} orders got a yes, ${holds} holds are stored`;
  if (reserved !== holds) return `${reserved} units are reserved by ${holds} holds of one unit`;
  if (!stock) return undefined;
  const units = stock.units * stock.skus.length;
  if (available < 0 || available + reserved !== units)
    return `${available} available and ${reserved} reserved, of ${units} units at the beginning`;
  return undefined;
}
