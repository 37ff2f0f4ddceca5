/** Goal: `npm run mutants` stays true: each break has its place in the program and the tests that should notice. */
import { expect, test } from 'vitest';
import { wrongAnchors } from './list.ts';

test('every mutant has exactly one place and names tests that are there', async () => {
  expect(await wrongAnchors(new URL('../..', import.meta.url).pathname)).toEqual([]);
});
