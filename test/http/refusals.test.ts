/**
 * Goal: a refusal that Redis writes reaches the caller as the table of refusals says: read by the kinds of its members,
 * answered as a problem, with members of the schemas that pages and OpenAPI show, and ids as they are. Method: for every row
 * the text of Redis, made from the kinds, with ids that hold every separator of that text.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  encodeId,
  type MemberKind,
  REFUSAL_CODES,
  type RefusalRow,
  refusalRow,
} from '../../src/domain/language.ts';
import { decodeRefusal } from '../../src/hotpath/codec/refusal-codec.ts';
import { refused } from '../../src/http/decisions.ts';
import { jsonName, MEMBER_SCHEMAS } from '../../src/http/problem-members.ts';
import { PROBLEM_CODES, PROBLEMS } from '../../src/http/problems.ts';
import { reservation } from '../../src/http/schemas/orders.ts';
import { transfer } from '../../src/http/schemas/transfers.ts';
import { anyId } from '../domain/ids.ts';

const AT_MS = Date.UTC(2026, 10, 11);
const AT = '2026-11-11T00:00:00.000Z';

/** What Redis writes for a member, and what the caller gets. */
function example(kind: MemberKind, sku: string, other: string): readonly [text: string, json: unknown] {
  const [s, o] = [encodeId(sku), encodeId(other)];
  const item = { sku, warehouse: other };
  switch (kind) {
    case 'units':
    case 'version':
      return ['7', 7];
    case 'time':
      return [String(AT_MS), AT];
    case 'items':
      return [`${s}@${o},${o}@*,${s}`, [item, { sku: other }, { sku }]];
    case 'shortages':
      return [
        `${s}@${o}=5:4,${o}@*=2:0`,
        [
          { ...item, requested: 5, available: 4 },
          { sku: other, requested: 2, available: 0 },
        ],
      ];
    case 'excess':
      return [`${s}=5:4`, [{ sku, requested: 5, held: 4 }]];
    case 'locks':
      return [`${s}@${o}=${o}:${AT_MS}`, [{ ...item, stocktakeId: other, until: AT }]];
    case 'reservation': {
      const view = { orderId: other, status: 'EXPIRED', lines: [{ ...item, quantity: 2 }] };
      const times = { reservedAt: AT, expiresAt: AT, resolvedAt: AT };
      return [`EXPIRED ${AT_MS} 0 ${s}@${o}=2 - ${AT_MS} -`, { ...view, ...times }];
    }
    case 'transfer': {
      const figures = { quantity: 5, inTransit: 0, received: 3, rejected: 1, returned: 1 };
      const view = { transferId: other, status: 'CANCELLED', sku, from: other, to: sku };
      return [`CANCELLED ${s} ${o} ${s} 5 3 1 1 -`, { ...view, ...figures }];
    }
    case 'countStatus':
      return ['LAPSED', 'LAPSED'];
  }
}

/** The schema of a kind, read back from the JSON Schema that is shown. */
function shownSchema(kind: keyof typeof MEMBER_SCHEMAS): z.ZodType {
  if (kind === 'reservation') return z.strictObject(reservation.shape);
  if (kind === 'transfer') return z.strictObject(transfer.shape);
  return z.fromJSONSchema({ ...MEMBER_SCHEMAS[kind], $schema: 'http://json-schema.org/draft-07/schema#' });
}

test.each(REFUSAL_CODES)('%s reaches the caller with its members, whatever the ids', (code) => {
  const row = refusalRow(code) as RefusalRow;
  const members = Object.entries(row.members ?? {});
  const schemas = members.map(([name, { kind }]) => [jsonName(name), shownSchema(kind)] as const);
  fc.assert(
    fc.property(anyId, anyId, (sku, other) => {
      const examples = members.map(([name, { kind }]) => [name, ...example(kind, sku, other)] as const);
      const text = [code, ...examples.map(([, words]) => words)].join(' ');
      const { status, body, detail } = refused(decodeRefusal(text, other));
      expect(status).toBe(row.status);
      expect(detail.length).toBeGreaterThan(5);
      expect(detail).not.toMatch(/undefined|\[object/);
      const { type, title, status: again, detail: said, code: named, ...rest } = JSON.parse(String(body));
      expect([type, title, again, said, named]).toEqual([
        `/problems/${code}`,
        row.title,
        status,
        detail,
        code,
      ]);
      const later =
        row.retryAfterSeconds === undefined
          ? {}
          : { outcome: 'nothing-happened', advice: expect.any(String) };
      const json = Object.fromEntries(examples.map(([name, , value]) => [jsonName(name), value]));
      expect(rest).toEqual({ ...json, ...later });
      for (const [name, schema] of schemas) schema.parse(rest[name]);
    }),
    { numRuns: 30 },
  );
});

test('a detail names only members of its row', () => {
  for (const code of REFUSAL_CODES) {
    const { detail, members = {} } = refusalRow(code) as RefusalRow;
    const named = [...detail.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(members), code).toEqual(expect.arrayContaining(named));
  }
});

test('many lines are told in three and a number', () => {
  const lines = Array.from({ length: 9 }, (_, i) => `S-${i}@TPE=2:1`).join(',');
  expect(refused(decodeRefusal(`insufficient-stock ${lines}`, 'o')).detail).toMatch(
    /^S-0 in TPE: 2 asked for, 1 available, .* and 6 more\. Nothing was changed\.$/,
  );
});

test('every problem has a row that says what to do, and a schema for each member', () => {
  for (const code of PROBLEM_CODES) {
    const { status, title, cause, remedy, curl, members = {} } = PROBLEMS[code];
    expect([code, status >= 400 && status < 600]).toEqual([code, true]);
    for (const text of [title, cause, remedy]) expect(text, code).toMatch(/^[A-Z`].*[^ ]$/s);
    expect(curl, code).toMatch(/^curl /);
    for (const { kind, meaning } of Object.values(members)) {
      expect(meaning, code).toMatch(/\.$/);
      const schema = MEMBER_SCHEMAS[kind];
      expect('type' in schema || 'allOf' in schema, `${code}: ${kind}`).toBe(true);
    }
  }
});
