/**
 * Values that are no id, no quantity or no reason, also such that only a caller without types could send.
 */

import { InvalidCommand } from '../../src/domain/inputs/declare.ts';
import { QUANTITY_MAX, REASON_LENGTH_MAX } from '../../src/domain/language.ts';

/** The paths of what is wrong; empty where nothing is. @throws what is no answer to a bad input */
export function wrong(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof InvalidCommand) return error.issues.map((issue) => issue.path);
    throw error;
  }
}

export { NOT_IDS as BAD_IDS } from './ids.ts';
export const NO_IDS = [undefined, null, 7, true, {}, [], ['a']];
export const BAD_QUANTITIES = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, QUANTITY_MAX + 1];
export const NO_QUANTITIES = ['1', null, undefined, true, [1], {}, 1n];
export const BAD_REASONS = ['a\nb', 'a\u0000b', '\ud800', 'x'.repeat(REASON_LENGTH_MAX + 1), 7, {}];
export const GOOD_REASONS = ['雙11 進貨', '100% = "all" & more', 'x'.repeat(REASON_LENGTH_MAX)];
