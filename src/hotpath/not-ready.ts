/**
 * Why nothing is sold at the moment, and what ends it: one sentence for each, for people. `/readyz`, faults and programs for
 * people on call say these words, so that all of them give the same advice.
 */

/**
 * The reasons of the fault `not-ready`. The program in Redis finds the first seven; the connection finds those from
 * `read-only` on, before a batch is sent.
 */
export const NOT_READY_REASONS = [
  'forgotten',
  'fenced',
  'unverified',
  'stale-epoch',
  'behind',
  'clock',
  'read-only',
  'too-few-replicas',
  'setting',
  'database',
] as const;
export type NotReadyReason = (typeof NOT_READY_REASONS)[number];

/** What is wrong, and what ends it. */
export interface NotReadyAdvice {
  readonly wrong: string;
  readonly remedy: string;
}

/** The advice for each reason. */
export const NOT_READY: Readonly<Record<NotReadyReason, NotReadyAdvice>> = {
  forgotten: {
    wrong: 'Redis does not know this partition: it is new, empty, or lost its data',
    remedy: 'a running worker fills it from the ledger; start one: npm run work',
  },
  fenced: {
    wrong: 'the partition is closed while it is rebuilt from the ledger',
    remedy: 'it opens when the rebuild ends; if none is running, start a worker: npm run work',
  },
  unverified: {
    wrong:
      'Redis was started again or another server took its place, and nobody has compared it with the ledger since',
    remedy: 'a running worker compares the two and opens it within seconds; start one: npm run work',
  },
  'stale-epoch': {
    wrong: 'the partition was opened anew, and this process has only now learned of it',
    remedy: 'repeat the command',
  },
  behind: {
    wrong: 'Redis has less than it has acknowledged: it went back to an older state',
    remedy: 'a running worker compares it with the ledger and opens it; start one: npm run work',
  },
  clock: {
    wrong: "Redis's clock and the clock of this process are too far apart",
    remedy: 'set both clocks by NTP; it opens when they agree again',
  },
  'read-only': {
    wrong: 'this Redis server is a replica, not the primary',
    remedy:
      'the connection looks for the primary again within seconds; if it stays, let REDIS_URL name the primary, or the Sentinels: redis+sentinel://host:port,host:port/name',
  },
  'too-few-replicas': {
    wrong: 'fewer replicas are connected than every answer waits for',
    remedy: 'start the missing replicas, or lower HOLDFAST_REPLICAS; it opens when enough are in sync',
  },
  setting: {
    wrong: 'a setting of Redis breaks the promise of the acknowledgement level',
    remedy: 'correct the setting; it opens within a minute',
  },
  database: {
    wrong: 'the connection is not in the Redis database that REDIS_URL names',
    remedy: 'let REDIS_URL name a database that exists and that this user may SELECT',
  },
};

/** Whether a word of the program's answer is one of the reasons. */
export function isNotReadyReason(word: string): word is NotReadyReason {
  return (NOT_READY_REASONS as readonly string[]).includes(word);
}

/**
 * One sentence for a person: the reason, what is wrong, what ends it.
 * @param wrong what was seen, where it is known more precisely than by the reason
 * @example notReadySentence('too-few-replicas', 'too few replicas: 0 of 1')
 */
export function notReadySentence(reason: NotReadyReason, wrong = NOT_READY[reason].wrong): string {
  return `${reason}: ${wrong}. ${capital(NOT_READY[reason].remedy)}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
