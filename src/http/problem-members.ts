/**
 * How the members of problems are written, by their kind: as JSON, in the words of `detail`, and as the schema that pages
 * and OpenAPI show. Refuses to know: which problem has which members.
 */
import { z } from 'zod';
import type { MemberKind, MemberKinds, NamedItem } from '../domain/language.ts';
import { iso, reservationBody, transferBody } from './bodies.ts';
import type { OwnKind } from './problems.ts';
import { proposal } from './schemas/transfers.ts';
import { jsonSchema, time, units } from './schemas.ts';

const NAMED_MAX = 3;

/** "a, b, c and 4 more". */
function few<T>(parts: readonly T[], wordsOf: (part: T) => string): string {
  const rest = parts.length - NAMED_MAX;
  const texts = (rest > 0 ? parts.slice(0, NAMED_MAX) : parts).map(wordsOf).join(', ');
  return rest > 0 ? `${texts} and ${rest} more` : texts;
}

function named({ sku, warehouse }: NamedItem): string {
  return warehouse === undefined ? sku : `${sku} in ${warehouse}`;
}

interface Writer<T> {
  json(value: T): unknown;
  /** In a sentence. */
  words(value: T): string;
}
const asItIs = { json: (value: unknown) => value, words: String };

export const WRITERS: { readonly [K in MemberKind]: Writer<MemberKinds[K]> } = {
  units: asItIs,
  version: asItIs,
  time: { json: iso, words: iso },
  items: { ...asItIs, words: (items) => few(items, named) || 'the reservation itself' },
  shortages: {
    ...asItIs,
    words: (lines) =>
      few(lines, (line) => `${named(line)}: ${line.requested} asked for, ${line.available} available`),
  },
  excess: {
    ...asItIs,
    words: (lines) => few(lines, ({ sku, requested, held }) => `${sku}: ${requested} named, ${held} held`),
  },
  locks: {
    json: (locks) => locks.map(({ untilMs, ...lock }) => ({ ...lock, until: iso(untilMs) })),
    words: (locks) =>
      few(locks, (lock) => `${named(lock)} by ${lock.stocktakeId} until ${iso(lock.untilMs)}`),
  },
  reservation: {
    json: (view) => reservationBody(view),
    words: ({ orderId, status, resolvedAtMs, expiresAtMs }) =>
      `Order ${orderId} is ${status} since ${iso(resolvedAtMs ?? expiresAtMs)}`,
  },
  transfer: {
    json: transferBody,
    words: ({ transferId, status }) => `Transfer ${transferId} is ${status}`,
  },
  countStatus: asItIs,
};

/** The name of a member in JSON, where times are texts: `opensAt` of `opensAtMs`. */
export function jsonName(name: string): string {
  return name.replace(/Ms$/, '');
}

const item = { sku: z.string(), warehouse: z.string() };
const anyItem = { sku: z.string(), warehouse: z.string().optional() };

const SHAPES: Readonly<Record<MemberKind | OwnKind, z.ZodType | string>> = {
  units,
  version: units,
  time,
  items: z.array(z.object(anyItem)),
  shortages: z.array(z.object({ ...anyItem, requested: units, available: units })),
  excess: z.array(z.object({ sku: z.string(), requested: units, held: units })),
  locks: z.array(z.object({ ...item, stocktakeId: z.string(), until: time })),
  reservation: 'Reservation#',
  transfer: 'Transfer#',
  countStatus: z.enum(['COUNTED', 'CANCELLED', 'LAPSED']),
  errors: z.array(z.object({ path: z.string(), message: z.string() })),
  methods: z.array(z.string()),
  proposal,
  outcome: z.enum(['nothing-happened', 'unknown']),
  text: z.string(),
};

/** JSON Schema of a member of each kind; a view refers to the shared schema of its name. */
export const MEMBER_SCHEMAS = Object.fromEntries(
  Object.entries(SHAPES).map(([kind, shape]) => [
    kind,
    typeof shape === 'string' ? { allOf: [{ $ref: shape }] } : jsonSchema(shape, 'output'),
  ]),
) as Readonly<Record<MemberKind | OwnKind, Record<string, unknown>>>;
