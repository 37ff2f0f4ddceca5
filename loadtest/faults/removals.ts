/**
 * Mechanisms that can be taken out of a copy of the product, by the text that makes them.
 */
import type { Cut } from './broken.ts';

/** A mechanism, and how it is taken out. */
export interface Removal {
  readonly name: string;
  readonly cuts: readonly Cut[];
}

const BATCH = 'lua/batch.lua';

const ANY_INCARNATION: Cut = {
  file: BATCH,
  find: 'elseif not string.find(replication, "master_replid:" .. incarnation, 1, true) then',
  replace: 'elseif false then',
};

/** Redis decides in an incarnation that no worker has compared with the ledger. */
export const NO_VERIFICATION: Removal = { name: 'the verification', cuts: [ANY_INCARNATION] };

/** All histories look alike; what the verification compares are numbers, and nobody waits for it. */
export const NO_LINK: Removal = {
  name: 'the link, and the verification that rests on it',
  cuts: [
    ANY_INCARNATION,
    { file: BATCH, find: 'local new_link = ARGV[7]', replace: 'local new_link = "aaaaaaaaaaaaaaaa"' },
  ],
};

/** A leap of Redis's clock is believed. */
export const NO_CLOCK_FENCE: Removal = {
  name: 'the clock fence',
  cuts: [
    {
      file: BATCH,
      find: /elseif server_ms - clock_ms > CLOCK_LEAP_MS_MAX and [^\n]* then\n/,
      replace: 'elseif false then\n',
    },
  ],
};

/** The stream keeps nothing that the ledger has. */
export const NO_TAIL: Removal = {
  name: 'the tail',
  cuts: [{ file: 'dist/worker/carry/trimmer.js', find: 'this.#limits.keepEvents', replace: '0' }],
};
