/**
 * Where warehouses stand, as every engine of this partition knows it. The ledger's table is the truth; this copy in Redis
 * lets orders be sent to the nearest warehouse also while Postgres is away.
 * Promises: what was put here is known here at once, and to other processes within seconds.
 */
import type { Redis } from 'ioredis';
import type { Warehouse } from '../domain/geography.ts';
import { encodeId } from '../domain/id.ts';
import { decodeIdWord, Unreadable } from './codec/words.ts';
import type { PartitionKeys } from './keys.ts';

/** How long another process may go on with places that have changed. */
const REFRESH_MS = 5_000;

export class WarehousePlaces {
  readonly #redis: Redis;
  readonly #keys: PartitionKeys;
  readonly #timer: NodeJS.Timeout;
  #warehouses: readonly Warehouse[] = [];

  constructor(redis: Redis, keys: PartitionKeys) {
    this.#redis = redis;
    this.#keys = keys;
    // A look that fails leaves the places as they were; they change a few times a year.
    this.#timer = setInterval(() => void this.refresh().catch(() => {}), REFRESH_MS);
    this.#timer.unref();
  }

  /** All of them, by id. */
  warehouses(): readonly Warehouse[] {
    return this.#warehouses;
  }

  /** Writes a warehouse that the ledger has. @throws an outage of Redis; to repeat it changes nothing */
  async put(warehouse: Warehouse): Promise<void> {
    const { id, ...rest } = warehouse;
    await this.#redis.hset(this.#keys.warehouses, encodeId(id), encodePlace(rest));
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const fields = await this.#redis.hgetall(this.#keys.warehouses);
    this.#warehouses = Object.entries(fields)
      .map(([field, text]) => decodePlace(decodeIdWord('a warehouse', field), text))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** Format: a JSON object of name, latitude and longitude. */
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
