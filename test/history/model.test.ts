/**
 * "Through time" as a model: link, incarnation, verification, epochs, acknowledgements. Random schedules of faults over
 * stores and processes in memory must leave every promise true; with any one part of the mechanism taken away they must not.
 */
import { describe, expect, test } from 'vitest';
import { FLAWS, type Flaw } from './flaws.ts';
import { FSYNC, MEMORY_IMAGE, REPLICA, TWO_LEDGERS } from './profiles.ts';
import { play, scheduleOf, search } from './search.ts';
import type { Happening, Profile } from './world.ts';

/** Schedules of each kind: four for each of HOLDFAST_TEST_HISTORIES. */
const SCHEDULES = 4 * Number(process.env.HOLDFAST_TEST_HISTORIES ?? 100);

describe('whatever happens', () => {
  test.each<[what: string, profile: Profile, askedShareMax: number]>([
    [
      'level `replica`, failovers, splits of Redis, a ledger that goes back: nothing acknowledged is lost',
      REPLICA,
      0.02,
    ],
    [
      'level `fsync`, failovers, Redis and ledger put back to copies: nothing is sold twice, what is lost is listed',
      FSYNC,
      0.02,
    ],
    // A Redis that fails over while there are two ledgers may lack what one of them has: a person must choose.
    [
      'two Postgres servers, each with a worker: neither cuts or discards what the other needs',
      TWO_LEDGERS,
      0.15,
    ],
    [
      'a memory image of Redis is put back under its own name: nobody is answered what was before',
      MEMORY_IMAGE,
      0,
    ],
  ])('%s', (_what, profile, askedShareMax) => {
    const { found, asked } = search(profile, 1, SCHEDULES);
    expect(found).toBeUndefined();
    expect(asked / SCHEDULES).toBeLessThanOrEqual(askedShareMax);
  });

  test('what only a place by link tells apart: a later epoch went on from before an earlier one', () => {
    const shop: readonly Happening[] = [
      ['buy', 0, 21], // on A
      ['api-dies', 0, 0], // so that nobody misses it
      ['failover', 0, 0], // to B, which lacks it
      ['work-on', 0, 3], // verified
      ['buy', 0, 21], // finds A gone
      ['buy', 0, 22], // finds the epoch, and is decided under it
      ['start', 0, 0],
      ['failover', 0, 0], // back to A: the ledger has seen nothing of B, and A has as many entries
    ];
    expect(play(shop, FSYNC)).toMatchObject({ outcome: 'held' });
    const withFlaw = play(shop, FSYNC, 'acknowledgement-by-epoch');
    expect(withFlaw.log).toContain('failover B -> A (1 of 1)');
    expect(withFlaw.message).toMatch(/is said to have it/);
  });
});

/** A schedule that finds it, and as what. */
const FOUND: Readonly<Record<Flaw, [profile: Profile, seed: number, as: RegExp]>> = {
  'no-link-comparison': [REPLICA, 239, /has two histories/],
  'no-incarnation-check': [REPLICA, 1, /no worker has verified/],
  'role-not-checked': [REPLICA, 2, /and is a replica/],
  'set-without-comparing': [REPLICA, 5, /./],
  'cursor-moved-unseen': [TWO_LEDGERS, 60924, /was acknowledged and is lost/],
  'redis-before-ledger': [REPLICA, 1, /an epoch that no ledger has written/],
  'epoch-without-nonce': [TWO_LEDGERS, 339, /was acknowledged and is lost/],
  'sequence-alone': [REPLICA, 239, /stands in no fork/],
  'lower-epochs-never-adopted': [REPLICA, 53, /stuck .* stale-epoch/],
  'behind-not-noticed': [MEMORY_IMAGE, 32, /in one epoch/],
  'acknowledgement-by-sequence': [FSYNC, 2, /is said to have it \(drop\)/],
  'acknowledgement-by-epoch': [FSYNC, 35, /is said to have it \(drop\)/],
  'forks-after-emptying': [REPLICA, 239, /stands in no fork/],
  'rebuild-instead-of-verifying': [REPLICA, 11, /was acknowledged and is lost/],
  'trim-without-epoch': [TWO_LEDGERS, 156, /P1 cut up to .*, which P2 has not/],
  'no-tail': [REPLICA, 176, /lacks entries that the stream no longer has/],
  'lease-raises-nothing': [TWO_LEDGERS, 23, /cut up to .*, which .* has not/],
  'quorum-at-start': [REPLICA, 23, /was acknowledged and is lost/],
  'quorum-too-small': [REPLICA, 43, /was acknowledged and is lost/],
  'wait-ignores-epochs': [MEMORY_IMAGE, 6, /is said to have it \(wait\)/],
  'repeat-waits-for-nothing': [REPLICA, 741, /was acknowledged and is lost/],
  'deposed-ledger-rebuilds': [TWO_LEDGERS, 339, /was acknowledged and is lost/],
  'text-must-stand-still': [REPLICA, 5, /stuck under load: worker-1/],
  'fence-keeps-position': [TWO_LEDGERS, 1296, /its history leaves/],
  'unguarded-fill': [FSYNC, 1988, /./],
};

describe('the model without one part of the mechanism', () => {
  test.each(Object.keys(FLAWS) as Flaw[])('%s is found', (flaw) => {
    const [profile, seed, as] = FOUND[flaw];
    const schedule = scheduleOf(seed, profile);
    expect(play(schedule, profile).outcome, 'the same schedule with the whole mechanism').not.toBe(
      'violated',
    );
    const { outcome, message } = play(schedule, profile, flaw);
    expect(outcome, FLAWS[flaw]).toBe('violated');
    expect(message).toMatch(as);
  });
});
