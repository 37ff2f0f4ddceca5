/**
 * Looks at everything that a Holdfast needs and says of each thing whether it is well, and what to do where it is not.
 * Promises: it changes nothing, never throws, and never shows a secret.
 */

import { partitionKeys } from '../hotpath/keys.ts';
import type { AckLevel, Durability } from '../hotpath/redis-check.ts';
import { type ClockReading, type Finding, fail, ok, warn } from './finding.ts';
import { examineLedger } from './ledger.ts';
import { examineDisk, examineNode, examinePort } from './machine.ts';
import { examineRedis } from './redis.ts';

/** What to look at. */
export interface Patient {
  readonly redisUrl: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly prefix: string;
  readonly ack: AckLevel;
  readonly replicas: number | undefined;
  readonly durability: Durability | undefined;
  readonly redisTimeoutMs: number;
  readonly host: string;
  readonly port: number;
  readonly workerPort: number;
  readonly dataFolder: string;
  readonly drainMs: number;
  readonly shutdownMsMax: number;
}

/** Clocks this far apart are no accident; further apart holds end at the wrong time, and Redis's clock counts as leapt. */
const CLOCK_MS_WARN = 500;
const CLOCK_MS_FAIL = 5_000;

/** Everything that was seen, in the order of an order's way. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const { redisUrl, databaseUrl, prefix, ack, replicas, durability, host } = patient;
  const timeoutMs = patient.redisTimeoutMs;
  const [redis, ledger, api, worker, disk] = await Promise.all([
    redisUrl === undefined
      ? { findings: [fail('redis', 'REDIS_URL is not set', 'set it, or start Holdfast here: npm start')] }
      : examineRedis({ redisUrl, prefix, ack, replicas, durability, timeoutMs }),
    databaseUrl === undefined
      ? {
          findings: [warn('postgres', 'DATABASE_URL is not set', 'set it: without it nothing is remembered')],
        }
      : examineLedger(databaseUrl, partitionKeys(prefix).partition),
    examinePort('API port', host, patient.port, 'PORT'),
    examinePort('worker port', host, patient.workerPort, 'HOLDFAST_WORKER_PORT'),
    examineDisk('disk', patient.dataFolder),
  ]);
  return [
    ...redis.findings,
    ...ledger.findings,
    ...examineClocks({ Redis: clockOf(redis), Postgres: clockOf(ledger) }),
    examineNode(process.versions.node),
    api,
    worker,
    disk,
    stopping(patient),
  ];
}

interface Examined {
  readonly findings: readonly Finding[];
  readonly clock?: ClockReading;
}
const clockOf = ({ clock }: Examined) => clock;

/** Compares every two of the clocks: each store's with this machine's, and the stores' with each other. */
export function examineClocks(clocks: Readonly<Record<string, ClockReading | undefined>>): Finding[] {
  const known = Object.entries({ 'this machine': { aheadMs: 0, exactToMs: 0 }, ...clocks }).filter(
    (entry): entry is [string, ClockReading] => entry[1] !== undefined,
  );
  return known.flatMap(([first, one], i) =>
    known.slice(i + 1).map(([second, other]) => {
      const apartMs = Math.abs(one.aheadMs - other.aheadMs);
      // As far apart as they are for sure: the way of the answer may be slow.
      const surelyMs = Math.max(0, apartMs - one.exactToMs - other.exactToMs);
      const says = `${first} and ${second} are ${Math.round(apartMs)} ms apart`;
      if (surelyMs > CLOCK_MS_FAIL) return fail('clocks', says, 'let NTP set all of them');
      return surelyMs > CLOCK_MS_WARN ? warn('clocks', says, 'let NTP set all of them') : ok('clocks', says);
    }),
  );
}

function stopping({ drainMs, shutdownMsMax }: Patient): Finding {
  const seconds = shutdownMsMax / 1_000;
  return ok(
    'stopping',
    `a process answers on for ${drainMs / 1_000} s and ends within ${seconds} s: let the platform's grace period be longer`,
  );
}
