/** The texts of a batch, and the answers to it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  answerAt,
  answerCount,
  BATCH_COMMANDS_MAX,
  packTexts,
} from '../../../src/hotpath/codec/batch-codec.ts';
import { RUNS } from './values.ts';

/** A reply with these answers; the program packs them as the texts of commands are packed. */
const replyOf = (answers: readonly string[]): string[] => [
  'head',
  ...packTexts(answers).slice(1).map(String),
];

test('each command gets its own answer, and equal answers are sent once', () => {
  const answers = fc.array(fc.constantFrom('DONE', 'ACTIVE 1 2 A@w=1', 'REFUSED x', 'a', 'b'), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(answers, (written) => {
      const reply = replyOf(written);
      expect(reply.length).toBe(2 + new Set(written).size);
      expect(answerCount(reply)).toBe(written.length);
      expect(written.map((_, i) => answerAt(reply, i))).toEqual(written);
    }),
    RUNS,
  );
});

test('the largest batch may have a different text for each command, and its codes are ASCII', () => {
  const texts = Array.from({ length: BATCH_COMMANDS_MAX }, (_, i) => `text-${i}`);
  const reply = replyOf(texts);
  expect(reply[1]).toMatch(/^[#-b]+$/);
  expect(texts.every((text, i) => answerAt(reply, i) === text)).toBe(true);
});
