/**
 * The pieces of which the shapes in schemas/ are made, from the limits of the domain: one source for ids and ranges.
 * A schema serves three times: compiled to check a request, as words where the check says no, and in the OpenAPI document.
 * Refuses to know: routes.
 */
import { z } from 'zod';
import {
  ID_HINT,
  ID_LENGTH_MAX,
  ID_PATTERN_SOURCE,
  isId,
  QUANTITY_MAX,
  REASON_LENGTH_MAX,
} from '../domain/language.ts';

const OBJECT_WORDS = 'give a JSON object';
/** The longest list of wrong fields one answer names. */
export const ISSUES_MAX = 20;
export const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 100;

// Pieces ---------------------------------------------------------------------------------------------------

/** An object that refuses fields it does not know. */
export function strict<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? 'unknown field: leave it out' : OBJECT_WORDS),
  });
}

export function id(what: string, example: string) {
  return z
    .string(ID_HINT)
    .refine(isId, ID_HINT)
    .meta({
      description: what,
      examples: [example],
      minLength: 1,
      maxLength: ID_LENGTH_MAX,
      pattern: ID_PATTERN_SOURCE,
    });
}

export function whole(min: number, max: number) {
  const words = `use a whole number from ${min} to ${max}`;
  return z.int(words).min(min, words).max(max, words);
}

/** One of these words. */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W) {
  return z.enum(words, `use ${words.join(' or ')}`);
}

/** A free text without control characters and halves of characters. */
export function printable(lengthMin: 0 | 1, lengthMax: number) {
  const words = `use ${lengthMin === 0 ? 'at most' : '1 to'} ${lengthMax} printable characters`;
  return z
    .string(words)
    .min(lengthMin, words)
    .max(lengthMax, words)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, words);
}

function degrees(max: number) {
  const words = `use degrees from ${-max} to ${max}`;
  return z.number(words).min(-max, words).max(max, words);
}

export const orderId = id(
  'The order, named by the caller. It names one request for good (BR-006).',
  'A-1001',
);
export const sku = id('What is sold.', 'TEA-1');
export const warehouse = id('Where it lies.', 'TPE');
export const quantity = whole(1, QUANTITY_MAX).meta({ description: 'Units.', examples: [2] });
export const latitude = degrees(90).meta({ examples: [25.03] });
export const longitude = degrees(180).meta({ examples: [121.56] });
export const reason = printable(0, REASON_LENGTH_MAX).meta({
  description: 'Goes into the ledger.',
  examples: ['delivery 4711'],
});

/** Of calls that say all in their address. */
export const emptyBody = strict({});

const AFTER_WORDS = 'use the `next` of the page before';
const LIMIT_WORDS = `use a whole number from 1 to ${PAGE_MAX}`;
export const limit = z
  .string(LIMIT_WORDS)
  .regex(/^[1-9][0-9]{0,3}$/, LIMIT_WORDS)
  .transform(Number)
  .pipe(z.int().min(1).max(PAGE_MAX, LIMIT_WORDS))
  .default(PAGE_DEFAULT)
  .meta({ description: 'Entries in one page.' });
/** Pages go on behind a number, the `next` of the page before. */
export const page = {
  after: z
    .string(AFTER_WORDS)
    .regex(/^[1-9][0-9]{0,14}$/, AFTER_WORDS)
    .transform(Number)
    .pipe(z.int())
    .optional()
    .meta({ description: 'The `next` of the page before: what comes behind it, which is older.' }),
  limit,
};

export const units = z.int();
export const time = z.string().meta({ format: 'date-time', examples: ['2025-11-11T00:00:00.000Z'] });
const NEXT_WORDS = 'For `after` of the next page; null on the last one.';
export const next = units.nullable().meta({ description: NEXT_WORDS });
/** Where pages go on behind an id. */
export const nextId = z.string().nullable().meta({ description: NEXT_WORDS });

// Schemas as JSON Schema and in words ----------------------------------------------------------------------

/** A schema as the JSON Schema that Fastify compiles and OpenAPI shows. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io,
    override: ({ jsonSchema: part }) => {
      // What every integer of JavaScript is says nothing.
      if (part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
    },
  });
  return rest;
}

/** One thing wrong with a request: where (`lines[0].quantity`) and what would be right. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** What is wrong with a value, in words, at most {@link ISSUES_MAX}; empty where nothing is. */
export function issuesOf(schema: z.ZodType, value: unknown): Issue[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  const messages = new Map<string, string>();
  for (const { path, message, ...issue } of result.error.issues) {
    const paths =
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key.slice(0, 64)]) : [path];
    for (const wrong of paths) {
      // A number can break two rules at once; the words of the first say both.
      if (!messages.has(pathText(wrong))) messages.set(pathText(wrong), message);
      if (messages.size === ISSUES_MAX) break;
    }
  }
  return [...messages].slice(0, ISSUES_MAX).map(([path, message]) => ({ path, message }));
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
