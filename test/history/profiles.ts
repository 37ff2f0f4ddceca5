/**
 * What may happen to a shop, by what it is promised.
 */
import type { Profile } from './world.ts';

const DAILY = {
  buy: 14,
  send: 5,
  arrive: 5,
  answer: 5,
  replicate: 6,
  'replicate-all': 3,
  work: 14,
  'work-on': 6,
  attach: 4,
  report: 2,
  wait: 2,
  'worker-dies': 2,
  'worker-freezes': 1,
  'api-dies': 1,
  kill: 1,
  start: 4,
  demote: 2,
} as const;

/** No copies of Redis are put back; splits of both stores. */
export const REPLICA: Profile = {
  level: 'replica',
  weights: {
    ...DAILY,
    'replicate-all': 6,
    failover: 2,
    swap: 1,
    split: 1,
    reconnect: 2,
    'copy-ledger': 1,
    'restore-ledger': 1,
  },
};

/** Anything but a split and a memory image. */
export const FSYNC: Profile = {
  level: 'fsync',
  weights: {
    ...DAILY,
    failover: 3,
    swap: 1,
    'copy-redis': 2,
    'restore-redis': 1,
    'copy-ledger': 2,
    'restore-ledger': 1,
  },
};

/** Two Postgres servers, each with a worker. */
export const TWO_LEDGERS: Profile = {
  level: 'replica',
  weights: { ...DAILY, 'replicate-all': 6, failover: 1, swap: 1, 'split-ledger': 2 },
};

/** A machine is put back with its memory. */
export const MEMORY_IMAGE: Profile = {
  level: 'fsync',
  weights: { ...DAILY, failover: 1, 'snapshot-redis': 3, 'resume-redis': 2 },
};
