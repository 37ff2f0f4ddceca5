/**
 * Goal: any id that a caller may choose goes everywhere and comes back as it was, and any other is refused, never a fault.
 * Method: random requests with random ids over every route of a whole Holdfast, by HTTP; then every accepted id is looked
 * for in Redis, in the ledger, in the answers and in the export. A few hundred requests here; `npm run fuzz` runs more.
 */
import { expect, onTestFinished, test } from 'vitest';
import { OPERATIONS } from './every-route.ts';
import { fuzz, operationsOf } from './fuzz.ts';
import { openFuzzed } from './fuzzed-holdfast.ts';
import { idsThatAreLost } from './lost-ids.ts';
import { candidates, goodId } from './random-ids.ts';

const REQUESTS = Number(process.env.HOLDFAST_FUZZ_REQUESTS ?? 800);
/** The worker is behind by then. */
const AUDIT_MS_MAX = 120_000;
const SEED = Number(process.env.HOLDFAST_FUZZ_SEED ?? 20_261_127);

test('good ids are in NFC, and the right length', () => {
  const ids = candidates(goodId, SEED);
  for (let i = 0; i < 2_000; i++) {
    const { text } = ids.next().value ?? { text: '' };
    expect(text).toBe(text.normalize('NFC'));
    expect([...text].length).toBeLessThanOrEqual(128);
    expect(text.trim()).toBe(text);
  }
});

test(
  `${REQUESTS} requests with random ids over every route: no fault, and every accepted id is found again`,
  async () => {
    const holdfast = await openFuzzed();
    onTestFinished(() => holdfast.close());
    expect([...OPERATIONS].sort()).toEqual(await operationsOf(holdfast.url));
    const { failures, world, answers } = await fuzz(holdfast.url, REQUESTS, SEED);
    expect([...failures, ...(await holdfast.troubles())]).toEqual([]);
    // A fuzz whose requests are all refused would find nothing.
    expect(answers.get(201) ?? 0).toBeGreaterThan(REQUESTS / 10);

    expect(await holdfast.troubles()).toEqual([]);
    const audit = await holdfast.audit(AUDIT_MS_MAX);
    expect(audit.findings).toEqual([]);
    expect(audit.verdict).toBe('agree');
    expect(await idsThatAreLost(holdfast, world)).toEqual([]);
  },
  Math.max(120_000, REQUESTS * 40),
);
