/**
 * The shapes of requests and answers, made from the limits of the domain: one source for ids and ranges.
 * A schema serves three times: compiled to check a request, as words where the check says no, and in the OpenAPI document.
 * Refuses to know: routes.
 */
import { z } from 'zod';
import {
  EVENT_TYPES,
  HOLD_SECONDS_MAX,
  HOLD_SECONDS_MIN,
  ID_PATTERN,
  LINES_MAX,
  QUANTITY_MAX,
  REASON_LENGTH_MAX,
  RELEASE_CAUSES,
  RESERVATION_STATUSES,
} from '../domain/language.ts';

const ID_WORDS = 'use 1 to 64 letters, digits, ".", "_", ":" or "-", beginning with a letter or digit';
const LINES_WORDS = `give 1 to ${LINES_MAX} lines of {sku, quantity}`;
const OBJECT_WORDS = 'give a JSON object';
/** The longest list of wrong fields one answer names. */
export const ISSUES_MAX = 20;
export const LEDGER_PAGE_MAX = 1_000;
export const LEDGER_PAGE_DEFAULT = 100;

/** An object that refuses fields it does not know. */
function strict<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? 'unknown field: leave it out' : OBJECT_WORDS),
  });
}

function id(what: string, example: string) {
  return z
    .string(ID_WORDS)
    .regex(ID_PATTERN, ID_WORDS)
    .meta({ description: what, examples: [example] });
}

function whole(min: number, max: number) {
  const words = `use a whole number from ${min} to ${max}`;
  return z.int(words).min(min, words).max(max, words);
}

const orderId = id('The order, named by the caller. It names one request for good (BR-006).', 'A-1001');
const sku = id('What is sold.', 'TEA-1');
const warehouse = id('Where it lies.', 'TPE');
const movementId = id('The movement, named by the caller; repeating it moves nothing twice.', 'M-1');
const quantity = whole(1, QUANTITY_MAX).meta({ description: 'Units.', examples: [2] });
const holdSeconds = whole(HOLD_SECONDS_MIN, HOLD_SECONDS_MAX);

const partLines = z
  .array(strict({ sku, quantity }), LINES_WORDS)
  .min(1, LINES_WORDS)
  .max(LINES_MAX, LINES_WORDS)
  .optional()
  .meta({
    description: 'The part that is meant; left out means all that is held. Lines of one SKU are added up.',
  });

// Requests -----------------------------------------------------------------------------------------------

export const orderParams = strict({ orderId });
export const skuParams = strict({ sku });
export const itemParams = strict({ sku, warehouse });

export const reserveBody = strict({
  orderId,
  lines: z
    .array(strict({ sku, quantity, warehouse: warehouse.optional() }), LINES_WORDS)
    .min(1, LINES_WORDS)
    .max(LINES_MAX, LINES_WORDS)
    .meta({ description: 'Reserved as a whole or not at all. Without a warehouse the engine chooses one.' }),
  holdSeconds: holdSeconds.optional().meta({ description: 'How long the units are held unpaid (BR-003).' }),
});
export const confirmBody = strict({ lines: partLines });
export const releaseBody = strict({
  lines: partLines,
  releaseId: id('Tells two equal partial releases of one order apart.', 'R-1').optional(),
});
export const extendBody = strict({
  holdSeconds: holdSeconds.meta({
    description: 'The units are held this long from now on; never shorter than before.',
  }),
});
export const receiveBody = strict({
  movementId,
  sku,
  warehouse,
  quantity,
  reason: z
    .string(`use at most ${REASON_LENGTH_MAX} printable characters`)
    .max(REASON_LENGTH_MAX, `use at most ${REASON_LENGTH_MAX} printable characters`)
    .optional()
    .meta({ description: 'Goes into the ledger.', examples: ['delivery 4711'] }),
});
export const safetyStockBody = strict({
  quantity: whole(0, QUANTITY_MAX).meta({
    description: 'The alert fires when available falls under it (BR-005); 0 is off.',
  }),
});

const AFTER_WORDS = 'use the `next` of the page before';
const LIMIT_WORDS = `use a whole number from 1 to ${LEDGER_PAGE_MAX}`;
export const ledgerQuery = strict({
  sku: sku.optional(),
  warehouse: warehouse.optional(),
  orderId: orderId.optional(),
  after: z
    .string(AFTER_WORDS)
    .regex(/^[1-9][0-9]{0,14}$/, AFTER_WORDS)
    .transform(Number)
    .pipe(z.int())
    .optional()
    .meta({ description: 'The `next` of the page before: what comes behind it, which is older.' }),
  limit: z
    .string(LIMIT_WORDS)
    .regex(/^[1-9][0-9]{0,3}$/, LIMIT_WORDS)
    .transform(Number)
    .pipe(z.int().min(1).max(LEDGER_PAGE_MAX, LIMIT_WORDS))
    .default(LEDGER_PAGE_DEFAULT)
    .meta({ description: 'Entries in one page.' }),
});

// Answers ------------------------------------------------------------------------------------------------

const units = z.int();
const time = z.string().meta({ format: 'date-time', examples: ['2025-11-11T00:00:00.000Z'] });
const figures = { total: units, available: units, reserved: units, sold: units };

export const reservation = z
  .object({
    orderId: z.string(),
    status: z.enum(RESERVATION_STATUSES),
    lines: z.array(z.object({ sku: z.string(), warehouse: z.string(), quantity: units })).meta({
      description:
        'What is held; once CONFIRMED, what was sold; once RELEASED or EXPIRED, what returned last.',
    }),
    reservedAt: time,
    expiresAt: time,
    resolvedAt: time.optional().meta({ description: 'When it was confirmed, released or expired.' }),
  })
  .meta({ description: 'A reservation as it stands.' });

const stock = { ...figures, safetyStock: units, version: units };
export const item = z
  .object({ sku: z.string(), warehouse: z.string(), ...stock })
  .meta({ description: 'One SKU in one warehouse: total = available + reserved + sold (BR-004).' });
export const skuStock = z
  .object({ sku: z.string(), ...figures, warehouses: z.array(z.object({ warehouse: z.string(), ...stock })) })
  .meta({ description: 'One SKU over all its warehouses.' });

const figuresObject = z.object(figures);
export const ledgerPage = z.object({
  entries: z.array(
    z.object({
      id: units.meta({ description: 'Grows with every entry.' }),
      type: z.enum(EVENT_TYPES),
      sku: z.string(),
      warehouse: z.string(),
      version: units.meta({ description: 'Of the item after it; versions are gapless.' }),
      quantity: units,
      before: figuresObject,
      change: figuresObject,
      after: figuresObject,
      orderId: z.string().optional(),
      movementId: z.string().optional(),
      cause: z.enum(RELEASE_CAUSES).optional().meta({ description: 'Why units returned.' }),
      expiresAt: time.optional().meta({ description: 'Until when units are held.' }),
      safetyStock: units.optional().meta({ description: 'The line under which the alert fired.' }),
      actor: z.string(),
      reason: z.string().optional(),
      at: time,
    }),
  ),
  next: units.nullable().meta({ description: 'For `after` of the next page; null on the last one.' }),
});
export const reconciliation = z.object({
  last: z
    .object({
      verdict: z.enum(['agree', 'drift', 'incomplete']),
      reason: z.string().optional().meta({ description: 'Why it is incomplete.' }),
      startedAt: time,
      finishedAt: time,
      itemsCompared: units,
      holdsCompared: units,
      findingsTotal: units,
      findings: z.array(z.record(z.string(), z.unknown())).meta({
        description:
          'The first of them: kind, item, version, what each side says, and the difference in words.',
      }),
    })
    .nullable()
    .meta({ description: 'The last comparison of hot path and ledger; null before the first one.' }),
  worker: z.object({
    isRunning: z.boolean(),
    committedAt: time.nullable().meta({ description: 'When the worker last committed.' }),
    backlogEvents: units
      .nullable()
      .meta({ description: 'Events the ledger has not taken over yet, as last heard.' }),
  }),
});

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
