/**
 * Goal: what the server says about itself is true and whole: the OpenAPI document, the problem pages, the metrics.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { REFUSAL_CODES } from '../../src/domain/language.ts';
import { jsonName, MEMBER_SCHEMAS } from '../../src/http/problem-members.ts';
import { PROBLEM_CODES, PROBLEMS } from '../../src/http/problems.ts';
import { ledgerPage, reconciliation } from '../../src/http/schemas/ledger.ts';
import { batchResults, reservation } from '../../src/http/schemas/orders.ts';
import { sale } from '../../src/http/schemas/sales.ts';
import { item, skuStock } from '../../src/http/schemas/stock.ts';
import { countAnswer, sheet, sheetChange } from '../../src/http/schemas/stocktakes.ts';
import { transfer } from '../../src/http/schemas/transfers.ts';
import { type OpenServer, openServer } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const CONTRACT = [
  'POST /v1/reservations',
  'POST /v1/reservations/batch',
  'GET /v1/reservations/{orderId}',
  'POST /v1/reservations/{orderId}/confirm',
  'POST /v1/reservations/{orderId}/release',
  'POST /v1/reservations/{orderId}/extend',
  'GET /v1/items/{sku}',
  'PUT /v1/items/{sku}/warehouses/{warehouse}/safety-stock',
  'PUT /v1/warehouses/{warehouse}',
  'GET /v1/warehouses',
  ...['receive', 'issue', 'ship', 'return', 'correct'].map((kind) => `POST /v1/stock/${kind}`),
  'POST /v1/stocktakes',
  'POST /v1/stocktakes/{stocktakeId}/complete',
  'POST /v1/stocktakes/{stocktakeId}/cancel',
  'GET /v1/stocktakes/{stocktakeId}',
  'GET /v1/stocktakes',
  'POST /v1/transfers',
  'POST /v1/transfers/{transferId}/receive',
  'POST /v1/transfers/{transferId}/cancel',
  'GET /v1/transfers/{transferId}',
  'GET /v1/transfers',
  'GET /v1/transfer-proposals',
  'POST /v1/transfer-proposals/{proposalId}/dismiss',
  'POST /v1/sales',
  'POST /v1/sales/{saleId}/close',
  'GET /v1/sales/{saleId}',
  'GET /v1/sales',
  'GET /v1/shortfalls',
  'POST /v1/shortfalls/{orderId}/resolve',
  'GET /v1/ledger',
  'GET /v1/reconciliation',
];

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: string[];
  readonly parameters?: { in: string; name: string; required?: boolean; schema: object }[];
  readonly requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  readonly responses: Record<
    string,
    { description: string; content?: Record<string, { schema: object; examples?: object }> }
  >;
}
interface ProblemSchema {
  readonly allOf: readonly { properties?: Record<string, object> }[];
}
interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string; description: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Record<string, unknown>> };
}
async function openapi(): Promise<Document> {
  return (await server.call('GET', '/openapi.json')).body as unknown as Document;
}
/** Every `$ref` of a document. */
function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => (key === '$ref' ? [String(part)] : refsIn(part)));
}

describe('OpenAPI', () => {
  test('is a 3.1 document without loose ends', async () => {
    const document = await openapi();
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({ title: 'Holdfast', version: expect.stringMatching(/^\d/) });
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { summary, tags, responses } of operations) {
      expect(summary).toBeTruthy();
      expect(tags).toHaveLength(1);
      expect(Object.keys(responses)[0]).toMatch(/^20[01]$/);
      for (const { description } of Object.values(responses))
        expect(description).not.toBe('Default Response');
    }
    for (const ref of refsIn(document)) {
      const name = ref.replace('#/components/schemas/', '');
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { parameters = [] } of Object.values(methods)) {
        const names = parameters
          .filter((parameter) => parameter.in === 'path')
          .map(({ name }) => `{${name}}`);
        expect(path.match(/\{\w+\}/g) ?? []).toEqual(names);
      }
    }
  });

  test('lists every route of the router, and no other', async () => {
    const { paths } = await openapi();
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(routesOf(server.app.printRoutes({ commonPrefix: false })).sort());
    // The design's contract, and what the warehouse side needs beside it.
    expect(described).toEqual(expect.arrayContaining(CONTRACT));
  });

  test('names every problem code, each with its status', async () => {
    const document = await openapi();
    expect(document.components.schemas.Problem).toMatchObject({
      properties: { code: { enum: PROBLEM_CODES } },
    });
    const responses = Object.values(document.paths).flatMap((path) =>
      Object.values(path).flatMap((operation) => Object.entries(operation.responses)),
    );
    // What any request can hear stands in the description of the whole.
    const anywhere = /`([a-z-]+)` \(\d{3}\)/g;
    const ofAll = [...document.info.description.matchAll(anywhere)].map((match) => match[1]);
    expect(ofAll).toHaveLength(4);
    for (const code of PROBLEM_CODES) {
      const named = responses.filter(
        ([, { content }]) => code in (content?.['application/problem+json']?.examples ?? {}),
      );
      expect(named.length > 0 || ofAll.includes(code), code).toBe(true);
      for (const [status] of named) expect(Number(status)).toBe(PROBLEMS[code].status);
    }
    expect(PROBLEM_CODES).toEqual(expect.arrayContaining([...REFUSAL_CODES]));
  });

  test('gives every member of every problem a schema, not only a description', async () => {
    const { paths } = await openapi();
    const members = Object.values(paths)
      .flatMap((path) => Object.values(path).flatMap(({ responses }) => Object.values(responses)))
      .flatMap(({ content }) => (content?.['application/problem+json']?.schema as ProblemSchema)?.allOf ?? [])
      .flatMap(({ properties = {} }) => Object.entries(properties));
    expect(members.length).toBeGreaterThan(100);
    for (const [name, schema] of members) {
      expect(
        ['type', 'allOf', 'anyOf'].some((word) => word in schema),
        name,
      ).toBe(true);
    }
  });

  test('says of reserve what a caller must know', async () => {
    const { paths } = await openapi();
    expect(paths['/v1/reservations/{orderId}/confirm']?.post?.requestBody?.required).toBe(false);
    const reserve = paths['/v1/reservations']?.post;
    expect(reserve?.requestBody?.required).toBe(true);
    expect(Object.keys(reserve?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '200', '400', '404', '409', '413', '415', '422', '500', '503']),
    );
    const batch = paths['/v1/reservations/batch']?.post?.requestBody?.content['application/json']?.schema;
    expect(batch).toMatchObject({
      properties: { reservations: { maxItems: 500, items: { required: ['orderId', 'lines'] } } },
    });
    expect(reserve?.parameters).toMatchObject([
      { in: 'header', name: 'Holdfast-Actor' },
      { in: 'header', name: 'Holdfast-Ack' },
    ]);
    expect(reserve?.requestBody?.content['application/json']?.schema).toMatchObject({
      additionalProperties: false,
      required: ['orderId', 'lines'],
      properties: {
        orderId: { minLength: 1, maxLength: 128, pattern: expect.any(String) },
        lines: {
          minItems: 1,
          maxItems: 100,
          items: { properties: { quantity: { minimum: 1, maximum: 1e9 } } },
        },
      },
    });
  });
});

/** Routes in the manner of OpenAPI, from the tree the router prints; without HEAD and the assets of the page. */
function routesOf(tree: string): string[] {
  const routes: string[] = [];
  const parts: string[] = [];
  for (const line of tree.split('\n')) {
    const match = /^((?:│ {3}| {4})*)(?:├── |└── )(.*?)(?: \((.*)\))?$/.exec(line);
    if (!match?.[2]) continue;
    const depth = (match[1] ?? '').length / 4;
    parts.splice(depth, parts.length, match[2]);
    const path = parts.join('').replace(/:(\w+)/g, '{$1}');
    for (const method of match[3]?.split(', ') ?? []) {
      if (method !== 'HEAD' && !path.startsWith('/docs')) routes.push(`${method} ${path}`);
    }
  }
  return routes;
}

test('answers are what the document says they are', async () => {
  await server.stock('D-1', 10);
  const body = { orderId: 'doc-1', lines: [{ sku: 'D-1', quantity: 2 }] };
  const strict = <S extends z.ZodRawShape>(schema: z.ZodObject<S>) => z.strictObject(schema.shape);
  strict(reservation).parse((await server.call('POST', '/v1/reservations', body)).body);
  strict(reservation).parse((await server.call('POST', '/v1/reservations/doc-1/confirm')).body);
  strict(skuStock).parse((await server.call('GET', '/v1/items/D-1')).body);
  const receipt = { movementId: 'doc-1', sku: 'D-1', warehouse: 'TPE', quantity: 1 };
  strict(item).parse((await server.call('POST', '/v1/stock/receive', receipt)).body);
  await server.stock('D-3', 10);
  const moved = { transferId: 'doc-1', sku: 'D-3', from: 'TPE', to: 'KHH', quantity: 1 };
  strict(transfer).parse((await server.call('POST', '/v1/transfers', moved)).body);
  const offer = { saleId: 'doc-1', sku: 'D-3', quantity: 1, limitPerCustomer: 1 };
  const window = { opensAt: '2035-11-11T00:00:00Z', closesAt: '2035-11-12T00:00:00Z' };
  strict(sale).parse((await server.call('POST', '/v1/sales', { ...offer, ...window })).body);
  const count = { stocktakeId: 'doc-1', sku: 'D-3', warehouse: 'TPE' };
  strict(sheetChange).parse((await server.call('POST', '/v1/stocktakes', count)).body);
  strict(sheet).parse((await server.call('GET', '/v1/stocktakes/doc-1')).body);
  strict(skuStock).parse((await server.call('GET', '/v1/items/D-3')).body);
  countAnswer.parse((await server.call('POST', '/v1/stocktakes/doc-1/complete', { counted: 9 })).body);
  const again = { counts: [{ sku: 'D-3', counted: 9 }] };
  countAnswer.parse((await server.call('POST', '/v1/stocktakes/doc-1/complete', again)).body);
  const batch = { reservations: [{ orderId: 'doc-2', lines: [{ sku: 'D-3', quantity: 1 }] }] };
  const { results } = batchResults.parse((await server.call('POST', '/v1/reservations/batch', batch)).body);
  strict(reservation).parse(results[0]?.body);
  expect(Object.keys(ledgerPage.shape)).toEqual(['entries', 'next']);
  expect(Object.keys(reconciliation.shape)).toContain('worker');
});

describe('problem pages', () => {
  test.each(PROBLEM_CODES)('%s', async (code) => {
    const { status, headers, text } = await server.call('GET', `/problems/${code}`);
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(text).toContain(`<code>${code}</code>, status ${PROBLEMS[code].status}`);
    for (const heading of ['Cause', 'Remedy', 'Try']) expect(text).toContain(`<h2>${heading}</h2>`);
    expect(text).toContain('curl ');
    for (const [name, { kind }] of Object.entries(PROBLEMS[code].members ?? {})) {
      const type = 'type' in MEMBER_SCHEMAS[kind] ? 'type' : '$ref';
      expect(text).toMatch(
        new RegExp(`<code>${jsonName(name)}</code>.*<code>.*${type.replace('$', '\\$')}.*</code>`),
      );
    }
    expect(text).not.toMatch(/undefined|\[object|<script|src=/);
  });

  test('show what is typed as it is typed', async () => {
    const { text } = await server.call('GET', '/problems/invalid-request');
    expect(text).toContain('{&#34;orderId&#34;:&#34;A-1001&#34;');
  });

  test('the list has them all', async () => {
    const { text } = await server.call('GET', '/problems');
    for (const code of PROBLEM_CODES) expect(text).toContain(`href="/problems/${code}"`);
  });

  test('what is no problem is not found, whatever it is called', async () => {
    for (const name of ['nonsense', '__proto__', 'constructor', '%3Cscript%3E']) {
      const { status, text } = await server.call('GET', `/problems/${name}`);
      expect(status).toBe(404);
      expect(text).not.toContain('<script');
    }
  });
});

test('the page of the calls comes with all its parts from here', async () => {
  const { status, headers, text } = await server.call('GET', '/docs/');
  expect(status).toBe(200);
  expect(headers['content-security-policy']).toContain("default-src 'self'");
  const parts = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(parts.length).toBeGreaterThan(3);
  for (const part of parts) {
    expect(part).not.toMatch(/^(https?:)?\/\//);
    expect((await server.call('GET', new URL(part, 'http://x/docs/').pathname)).status).toBe(200);
  }
  const settings = await server.call('GET', '/docs/static/swagger-initializer.js');
  expect(settings.text).toContain('"validatorUrl":null');
  expect((await server.call('GET', '/livez')).headers['content-security-policy']).toBeUndefined();
});

describe('metrics', () => {
  /** `name{labels}` -> value; throws on a line that is none. */
  function parse(text: string): Map<string, number> {
    const values = new Map<string, number>();
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('# ')) continue;
      const match = /^([a-z_]+(?:\{(?:[a-z]+="[^"\n]*",?)+\})?) (\S+)$/.exec(line);
      if (!match?.[1]) throw new Error(`not a metric: ${line}`);
      values.set(match[1], Number(match[2]));
    }
    return values;
  }

  test('count requests, problems and what the engine does, without SKUs', async () => {
    await server.stock('D-2', 1);
    const before = parse((await server.call('GET', '/metrics')).text);
    await server.call('POST', '/v1/reservations', { orderId: 'met-1', lines: [{ sku: 'D-2', quantity: 1 }] });
    await server.call('POST', '/v1/reservations', { orderId: 'met-2', lines: [{ sku: 'D-2', quantity: 1 }] });
    await server.call('POST', '/v1/reservations', '{');
    const answer = await server.call('GET', '/metrics');
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.text).not.toContain('D-2');
    const after = parse(answer.text);
    const grew = (name: string) => (after.get(name) ?? Number.NaN) - (before.get(name) ?? 0);
    const route = 'route="POST /v1/reservations"';
    expect(grew(`holdfast_requests_total{${route},status="201"}`)).toBe(1);
    expect(grew(`holdfast_requests_total{${route},status="409"}`)).toBe(1);
    expect(grew(`holdfast_requests_total{${route},status="400"}`)).toBe(1);
    expect(grew('holdfast_problems_total{code="insufficient-stock"}')).toBe(1);
    expect(grew(`holdfast_request_duration_seconds_count{${route}}`)).toBe(2);
    expect(grew('holdfast_engine_commands_total')).toBe(2);
    expect(after.get('holdfast_engine_queued_commands')).toBe(0);
    expect(after.get('holdfast_partition_epoch')).toBe(1);
    expect(after.get('holdfast_ledger_backlog_events')).toBeGreaterThan(0);
    expect(after.get('holdfast_clock_state{state="steady"}')).toBe(1);
    expect(after.get('holdfast_clock_state{state="behind"}')).toBe(0);
  });
});
