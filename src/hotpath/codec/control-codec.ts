/**
 * The control record of a partition: where its history stands, and who has verified it (D10, H11).
 * Format: `v2 <epoch> <nonce> <sequence> <link> <clock_ms> <events> <carried> <incarnation> <pause> <state>`, `-` for no
 * incarnation; pause `0` or `<length_ms>:<until_ms>`. The release before: `<epoch> <sequence> <clock_ms> <events> <trimmed>
 * <state>`. Twin: lua/batch.lua, lua/control.lua.
 */
import { randomFillSync } from 'node:crypto';
import { NOTHING, Unreadable } from './words.ts';

/** Who may decide in a partition: a number that grows, and a nonce, because two ledgers can give the same number. */
export interface Epoch {
  readonly number: number;
  /** 8 letters and digits; `-` in a partition of the release before. */
  readonly nonce: string;
}

/**
 * `open`: a worker has verified it. `trusted`: a person opened it without the ledger. `fenced`: it is being rebuilt. `clock`:
 * Redis's clock leapt, and nothing is decided until it is right again and the records are filled in from the ledger.
 */
export const CONTROL_STATES = ['open', 'trusted', 'fenced', 'clock'] as const;
export type ControlState = (typeof CONTROL_STATES)[number];

/** The control record. */
export interface Control {
  readonly epoch: Epoch;
  /** Number of the last batch that changed something. It runs on over all epochs. */
  readonly sequence: number;
  /** The link of that batch; `-` before the first one that has a link. */
  readonly link: string;
  /** The partition's time in milliseconds since 1970; it never goes back (D4). */
  readonly clockMs: number;
  /** Events so far, and how many of them the ledger has. */
  readonly eventsTotal: number;
  readonly carriedTotal: number;
  /** The incarnation of Redis that was verified; undefined: none. */
  readonly incarnation: string | undefined;
  /** Deadlines are late by `lengthMs` until `untilMs`. */
  readonly pause: { readonly lengthMs: number; readonly untilMs: number } | undefined;
  readonly state: ControlState;
  /** False for a record of the release before, which knew neither links nor incarnations. */
  readonly isLinked: boolean;
}

/** A control record that this release writes. */
export type NewControl = Omit<Control, 'isLinked'>;

const CONTROL =
  /^v2 (\d+) ([a-z0-9]+) (\d+) (\S+) (\d+) (\d+) (\d+) (\S+) (?:0|(\d+):(\d+)) (open|trusted|fenced|clock)$/;
const OF_RELEASE_BEFORE = /^(\d+) (\d+) (\d+) (\d+) (\d+) (open|fenced)$/;

/** @throws {Unreadable} */
export function decodeControl(text: string): Control {
  const found = CONTROL.exec(text);
  if (found) {
    const [, number, nonce, sequence, link, clockMs, events, carried, incarnation, length, until, state] =
      found;
    return {
      epoch: { number: Number(number), nonce: nonce as string },
      sequence: Number(sequence),
      link: link as string,
      clockMs: Number(clockMs),
      eventsTotal: Number(events),
      carriedTotal: Number(carried),
      incarnation: incarnation === NOTHING ? undefined : incarnation,
      pause: length === undefined ? undefined : { lengthMs: Number(length), untilMs: Number(until) },
      state: state as ControlState,
      isLinked: true,
    };
  }
  const old = OF_RELEASE_BEFORE.exec(text);
  // The mark is this release's: what follows is damaged, not newer.
  if (!old) throw new Unreadable('the control record', text.replace(/^v2 /, ''));
  return {
    epoch: { number: Number(old[1]), nonce: NOTHING },
    sequence: Number(old[2]),
    link: NOTHING,
    clockMs: Number(old[3]),
    eventsTotal: Number(old[4]),
    carriedTotal: Number(old[5]),
    incarnation: undefined,
    pause: undefined,
    state: old[6] as ControlState,
    isLinked: false,
  };
}

/** The text of a control record, in the format of this release. */
export function encodeControl(control: NewControl): string {
  const { epoch, sequence, link, clockMs, eventsTotal, carriedTotal, incarnation, pause, state } = control;
  const late = pause ? `${pause.lengthMs}:${pause.untilMs}` : '0';
  return (
    `v2 ${encodeEpoch(epoch)} ${sequence} ${link} ${clockMs} ${eventsTotal} ${carriedTotal} ` +
    `${incarnation ?? NOTHING} ${late} ${state}`
  );
}

/** The epoch as the program compares it. */
export function encodeEpoch({ number, nonce }: Epoch): string {
  return `${number} ${nonce}`;
}

/** Reads the text of {@link encodeEpoch}; undefined for any other. */
export function decodeEpoch(text: string | undefined): Epoch | undefined {
  const found = /^(\d+) ([a-z0-9]+)$/.exec(text ?? '');
  return found ? { number: Number(found[1]), nonce: found[2] as string } : undefined;
}

/** Whether two epochs are the same one. */
export function isSameEpoch(a: Epoch, b: Epoch): boolean {
  return a.number === b.number && a.nonce === b.nonce;
}

const LINK_LENGTH = 16;
const NONCE_LENGTH = 8;
const LETTERS = '0123456789abcdefghijklmnopqrstuv';
const POOL = Buffer.alloc(4_096);
let poolAt = POOL.length;

/** A link for one batch: 80 random bits, so that no two batches of any history have the same. */
export function randomLink(): string {
  return randomText(LINK_LENGTH);
}

/** A nonce for an epoch: 40 random bits. */
export function randomNonce(): string {
  return randomText(NONCE_LENGTH);
}

function randomText(length: number): string {
  if (poolAt + length > POOL.length) {
    randomFillSync(POOL);
    poolAt = 0;
  }
  let text = '';
  for (const end = poolAt + length; poolAt < end; poolAt++) text += LETTERS[(POOL[poolAt] as number) & 31];
  return text;
}
