/**
 * Whether Redis may be sold from at the moment, as far as its connection tells: role, replicas, settings, clock, database.
 */
import type { NotReadyReason } from './not-ready.ts';

/** What is wrong with Redis or its connection, such that nothing may be sent. */
export interface StoreProblem {
  readonly reason: Extract<
    NotReadyReason,
    'setting' | 'read-only' | 'too-few-replicas' | 'clock' | 'database'
  >;
  /** A sentence with the setting's name and the remedy. */
  readonly message: string;
}

/** Is asked before a batch is sent; while there is a problem, commands get the fault `not-ready` with its reason. */
export interface Gate {
  readonly problem: StoreProblem | undefined;
}
