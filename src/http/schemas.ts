/**
 * The pieces of which the shapes in schemas/ are made, beside the fields of inputs (domain/inputs/fields.ts), and how a
 * shape becomes JSON Schema. A shape serves three times: it checks a request, says what is wrong, and is shown in OpenAPI.
 * Refuses to know: routes.
 */
import { z } from 'zod';
import { strict } from '../domain/inputs/declare.ts';

const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 100;

/** Of calls that say all in their address. */
export const emptyBody = strict({});

const AFTER_HINT = 'use the `next` of the page before';
const LIMIT_HINT = `use a whole number from 1 to ${PAGE_MAX}`;
export const limit = z
  .string(LIMIT_HINT)
  .regex(/^[1-9][0-9]{0,3}$/, LIMIT_HINT)
  .transform(Number)
  .pipe(z.int().min(1).max(PAGE_MAX, LIMIT_HINT))
  .default(PAGE_DEFAULT)
  .meta({ description: 'Entries in one page.' });
/** Query of pages that continue after a number, the `next` of the page before. */
export const page = {
  after: z
    .string(AFTER_HINT)
    .regex(/^[1-9][0-9]{0,14}$/, AFTER_HINT)
    .transform(Number)
    .pipe(z.int())
    .optional()
    .meta({ description: 'The `next` of the page before: the page has what is older.' }),
  limit,
};

export const units = z.int();
export const time = z.string().meta({ format: 'date-time', examples: ['2025-11-11T00:00:00.000Z'] });
const NEXT_HINT = 'For `after` of the next page; null on the last one.';
export const next = units.nullable().meta({ description: NEXT_HINT });
/** Of pages that continue after an id. */
export const nextId = z.string().nullable().meta({ description: NEXT_HINT });

/** A schema as the JSON Schema that OpenAPI shows. */
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
