/**
 * Finds the stores for a command line tool: those of the environment, else those of the Holdfast that runs on the data
 * folder. Promises: it starts nothing; where there are none, the error says what to do.
 */
import { type Config, takeConfig } from '../config.ts';
import { findRunning } from './running.ts';

/** Addresses of both stores. */
export interface Stores {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly prefix: string;
}

/**
 * The stores and the configuration of this process.
 * @throws {WrongConfiguration} or where neither the environment nor the data folder names both stores
 */
export async function findStores(): Promise<{ stores: Stores; config: Config }> {
  const config = takeConfig({});
  const { redisUrl, databaseUrl, prefix } = config;
  if (redisUrl && databaseUrl) return { stores: { redisUrl, databaseUrl, prefix }, config };
  const running = await findRunning(config.dataFolder);
  if (running) return { stores: running, config };
  throw new Error(
    `No Holdfast runs on ${config.dataFolder}: start one with "npm start", or set REDIS_URL and DATABASE_URL.`,
  );
}
