/** A whole Holdfast for the fuzz: a server that listens, a worker, Redis and Postgres. */
import pg from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { readConfig } from '../../src/config.ts';
import { serve } from '../../src/programs/serve.ts';
import { type TestHoldfast, testHoldfast } from '../holdfast.ts';
import { testRedisUrl } from '../services.ts';

export interface FuzzedHoldfast extends TestHoldfast {
  readonly url: string;
  readonly postgres: pg.Pool;
  /** What the worker found or set apart, in words. */
  troubles(): Promise<string[]>;
}

/** Opens all of it; the caller closes. */
export async function openFuzzed(): Promise<FuzzedHoldfast> {
  const holdfast = await testHoldfast();
  const prefix = holdfast.keys.control.slice(0, holdfast.keys.control.indexOf('{'));
  const config = readConfig({
    REDIS_URL: testRedisUrl(),
    DATABASE_URL: holdfast.databaseUrl,
    HOLDFAST_PREFIX: prefix,
    PORT: '0',
  });
  const log = pino({ level: 'silent' });
  const api = await serve({ ...config, redisUrl: testRedisUrl() }, log, new Registry());
  const postgres = new pg.Pool({ connectionString: holdfast.databaseUrl, max: 1 });
  return {
    ...holdfast,
    url: api.url,
    postgres,
    troubles: async () => {
      const { rows } = await postgres.query<{ trouble: string }>(
        `SELECT kind || ' ' || coalesce(sku, order_id, '') || ': ' || detail AS trouble FROM drift
          UNION ALL SELECT 'parked ' || sku || ' in ' || warehouse FROM parked_events
          UNION ALL SELECT 'quarantined ' || sku || ' in ' || warehouse FROM items WHERE quarantined_at IS NOT NULL
          LIMIT 20`,
      );
      return rows.map(({ trouble }) => trouble);
    },
    close: async () => {
      await api.close();
      await postgres.end();
      await holdfast.close();
    },
  };
}
