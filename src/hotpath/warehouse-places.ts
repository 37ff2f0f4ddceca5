/**
 * The places of warehouses, as the engines of this partition know them. The table of the ledger is the source; with this copy
 * in Redis the nearest warehouse is found also while Postgres is away.
 * Promises: a change is seen at once by this engine, and within seconds by other processes.
 */
import type { Redis } from 'ioredis';
import type { Warehouse } from '../domain/geography.ts';
import { encodeId } from '../domain/id.ts';
import { decodeIdWord, Unreadable } from './codec/words.ts';
import type { PartitionKeys } from './keys.ts';

/** How long an engine may use places that another process has changed. */
const REFRESH_MS = 5_000;

/** Names and coordinates of all warehouses, refreshed from Redis. */
export class WarehousePlaces {
  readonly #redis: Redis;
  readonly #keys: PartitionKeys;
  readonly #timer: NodeJS.Timeout;
  #warehouses: readonly Warehouse[] = [];

  constructor(redis: Redis, keys: PartitionKeys) {
    this.#redis = redis;
    this.#keys = keys;
    // A failed refresh keeps the places as they were; they change a few times a year.
    this.#timer = setInterval(() => void this.refresh().catch(() => {}), REFRESH_MS);
    this.#timer.unref();
  }

  /** All warehouses, sorted by id. */
  warehouses(): readonly Warehouse[] {
    return this.#warehouses;
  }

  /** Writes a warehouse that the ledger has; may be repeated. @throws {Error} from the client if Redis cannot be reached */
  async put(warehouse: Warehouse): Promise<void> {
    const { id, ...rest } = warehouse;
    await this.#redis.hset(this.#keys.warehouses, encodeId(id), encodePlace(rest));
    await this.refresh();
  }

  /** Reads all places again. @throws {Unreadable} | {Error} from the client if Redis cannot be reached */
  async refresh(): Promise<void> {
    const fields = await this.#redis.hgetall(this.#keys.warehouses);
    this.#warehouses = Object.entries(fields)
      .map(([field, text]) => decodePlace(decodeIdWord('a warehouse', field), text))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Stops the refreshing. */
  close(): void {
    clearInterval(this.#timer);
  }
}

/** Format: a JSON object with `name` and, if known, `latitude` and `longitude`. */
export function encodePlace(place: Omit<Warehouse, 'id'>): string {
  return JSON.stringify(place);
}

/** @throws {Unreadable} */
function decodePlace(id: string, text: string): Warehouse {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreadable(`warehouse ${id}`, text);
  }
  const { name, latitude, longitude } = value as Partial<Warehouse>;
  if (typeof name !== 'string') throw new Unreadable(`warehouse ${id}`, text);
  return typeof latitude === 'number' && typeof longitude === 'number'
    ? { id, name, latitude, longitude }
    : { id, name };
}
