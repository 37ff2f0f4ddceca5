/**
 * The fields of which inputs are made: their rules, their messages and what OpenAPI says of them.
 * Refuses to know: commands.
 */
import { z } from 'zod';
import { ID_HINT, ID_LENGTH_MAX, ID_PATTERN_SOURCE, isId } from '../id.ts';
import {
  HOLD_SECONDS_MAX,
  HOLD_SECONDS_MIN,
  LINES_MAX,
  type OrderLine,
  QUANTITY_MAX,
  REASON_LENGTH_MAX,
} from '../language.ts';
import { strict } from './declare.ts';

/** @param what for OpenAPI. @param example for OpenAPI */
export function id(what: string, example: string) {
  return z
    .string(ID_HINT)
    .refine(isId, ID_HINT)
    .meta({
      minLength: 1,
      maxLength: ID_LENGTH_MAX,
      pattern: ID_PATTERN_SOURCE,
      description: what,
      examples: [example],
    });
}

/** A whole number of this range, both ends included. */
export function whole(min: number, max: number) {
  const hint = `use a whole number from ${min} to ${max}`;
  // `abort`: rules between fields are not checked where a figure is out of its range.
  const outOfRange = { error: hint, abort: true };
  return z.int(hint).min(min, outOfRange).max(max, outOfRange);
}

/** One of these words. */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W) {
  return z.enum(words, `use ${words.join(' or ')}`);
}

/**
 * A free text without control characters and lone surrogates. Lengths count characters (Unicode code points).
 * @param lengthMin where it is 1, the text must show something
 * @param intro begins the hint
 */
export function printable(lengthMin: 0 | 1, lengthMax: number, intro = 'use') {
  const hint = `${intro} ${lengthMin === 0 ? 'at most' : '1 to'} ${lengthMax} printable characters`;
  return z
    .string(hint)
    .refine((text) => isPrintable(text, lengthMin, lengthMax), hint)
    .meta({
      ...(lengthMin > 0 ? { minLength: lengthMin } : {}),
      maxLength: lengthMax,
      pattern: PRINTABLE.source,
    });
}

const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;

function isPrintable(text: string, lengthMin: 0 | 1, lengthMax: number): boolean {
  if (!PRINTABLE.test(text) || (lengthMin > 0 && text.trim() === '')) return false;
  return text.length <= lengthMax || (text.length <= 2 * lengthMax && [...text].length <= lengthMax);
}

/** A text field of a file: bytes that are no UTF-8 are read as U+FFFD, which is refused. */
export function inUtf8<S extends z.ZodString>(field: S): S {
  const hint = 'save the file as UTF-8: in another encoding it cannot be read';
  return field.refine((text) => !text.includes('\ufffd'), hint);
}

function degrees(max: number) {
  const hint = `use degrees from ${-max} to ${max}`;
  return z.number(hint).min(-max, hint).max(max, hint);
}

export const orderId = id(
  'The order, named by the caller. It names one request for good (BR-006).',
  'A-1001',
);
export const sku = id('What is sold.', 'TEA-1');
export const warehouse = id('Where it lies.', 'TPE');
export const actor = id('Who acts, for the ledger.', 'order-service').optional();
export const quantity = whole(1, QUANTITY_MAX).meta({ description: 'Units.', examples: [2] });
export const latitude = degrees(90).meta({ examples: [25.03] });
export const longitude = degrees(180).meta({ examples: [121.56] });
export const holdSeconds = whole(HOLD_SECONDS_MIN, HOLD_SECONDS_MAX);
/** Why something moved, where that may be left out. */
export const reason = printable(0, REASON_LENGTH_MAX).meta({
  description: 'Goes into the ledger.',
  examples: ['delivery 4711'],
});

/** Why something moved, where the ledger must say it. */
export function requiredReason(what: string, example: string) {
  return printable(1, REASON_LENGTH_MAX, 'say why, for the ledger, in').meta({
    description: what,
    examples: [example],
  });
}

const LINES_HINT = `give 1 to ${LINES_MAX} lines of {sku, quantity}`;
const SUM_HINT = `lines of one SKU come to more than ${QUANTITY_MAX} together`;

/** 1 to `LINES_MAX` lines; those of the same SKU and warehouse are held to the limit of one quantity together. */
function linesOf<S extends z.ZodObject<{ sku: typeof sku; quantity: typeof quantity }>>(line: S) {
  return z
    .array(line, LINES_HINT)
    .min(1, LINES_HINT)
    .max(LINES_MAX, LINES_HINT)
    .refine(areSumsWithin, SUM_HINT);
}

function areSumsWithin(lines: readonly OrderLine[]): boolean {
  if (lines.length === 1) return true;
  const total = lines.reduce((sum, line) => sum + line.quantity, 0);
  if (total <= QUANTITY_MAX) return true;
  const sums = new Map<string, number>();
  for (const { sku, warehouse, quantity } of lines) {
    const item = JSON.stringify([sku, warehouse]);
    const sum = (sums.get(item) ?? 0) + quantity;
    if (sum > QUANTITY_MAX) return false;
    sums.set(item, sum);
  }
  return true;
}

export const orderLines = linesOf(strict({ sku, quantity, warehouse: warehouse.optional() })).meta({
  description: 'Reserved as a whole or not at all. Without a warehouse the engine chooses one.',
});
export const partLines = linesOf(strict({ sku, quantity })).optional().meta({
  description: 'The part that is meant; left out means all that is held. Lines of one SKU are added up.',
});

export const shipTo = strict({ latitude, longitude }).optional().meta({
  description: 'Where it goes: the warehouses nearest to it are tried first.',
});
