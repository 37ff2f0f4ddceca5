/**
 * What the OpenAPI document says beyond the schemas of the routes: shared shapes, headers and every problem a call can
 * answer. Promises: problem answers come from the table in problems.ts. Refuses to know: how the document is served.
 */
import { ACTOR_DEFAULT, ID_ESCAPED_BYTES_MAX } from '../domain/language.ts';
import { ACTOR_HEADER } from './actor.ts';
import { ACK_HEADER } from './ledger-ack.ts';
import { jsonName, MEMBER_SCHEMAS } from './problem-members.ts';
import { PROBLEM_CODES, PROBLEMS, type ProblemCode } from './problems.ts';
import type { DeclaredRoute } from './route.ts';
import { reservation } from './schemas/orders.ts';
import { sale } from './schemas/sales.ts';
import { item, skuStock } from './schemas/stock.ts';
import { transfer } from './schemas/transfers.ts';
import { jsonSchema } from './schemas.ts';

type Json = Record<string, unknown>;

export const SHARED_SCHEMAS: Readonly<Record<string, Json>> = {
  Reservation: jsonSchema(reservation, 'output'),
  Item: jsonSchema(item, 'output'),
  SkuStock: jsonSchema(skuStock, 'output'),
  Transfer: jsonSchema(transfer, 'output'),
  Sale: jsonSchema(sale, 'output'),
  Problem: {
    type: 'object',
    description:
      'A problem document (RFC 9457). Its page says cause and remedy; further members depend on the code.',
    required: ['type', 'title', 'status', 'detail', 'code'],
    properties: {
      type: { type: 'string', format: 'uri-reference', examples: ['/problems/insufficient-stock'] },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'What happened this time.' },
      code: { type: 'string', enum: PROBLEM_CODES },
    },
    additionalProperties: true,
  },
};

const DESCRIPTION = `Holds stock for orders, and never more than there is.

Every command carries an id made by its caller and may be repeated: a repeat answers 200 with \`Idempotent-Replayed: true\`.
Unknown fields are refused. Every error is a problem document (RFC 9457) whose \`type\` leads to a page of this server with
cause, remedy and a curl; all codes are at [/problems](/problems). Besides what the calls name, any request can be answered
${(['not-found', 'method-not-allowed', 'request-timeout', 'headers-too-large'] as const)
  .map((code) => `\`${code}\` (${PROBLEMS[code].status})`)
  .join(
    ', ',
  )}. A client that asks more than its share is turned away by the gateway in front (429), not here.`;

/** The document without its routes. */
export function openApiBase(version: string) {
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, description: DESCRIPTION },
    tags: [
      { name: 'reservations', description: 'The life of an order: reserve, confirm or release, extend.' },
      { name: 'stock', description: 'Items, and the goods that come and go.' },
      { name: 'warehouses', description: 'Where goods are stored.' },
      { name: 'stocktakes', description: 'Lock, count, adjust, unlock (BR-007).' },
      { name: 'transfers', description: 'Goods on their way between warehouses.' },
      { name: 'sales', description: 'Flash sales: a window, a quota, a limit per customer.' },
      { name: 'alerts', description: 'Stock that runs low, and where it is reported.' },
      { name: 'ledger', description: 'What happened, for good.' },
      { name: 'operation', description: 'For platforms and for people who run this.' },
    ],
  };
}

const HEADER_PARAMETERS = {
  type: 'object',
  properties: {
    [ACTOR_HEADER]: {
      type: 'string',
      maxLength: ID_ESCAPED_BYTES_MAX,
      default: ACTOR_DEFAULT,
      description:
        'Who acts, for the ledger: an id. Percent-encoded UTF-8 where it is not plain ASCII, or has a comma or a percent sign.',
    },
    [ACK_HEADER]: {
      type: 'string',
      enum: ['ledger'],
      description:
        'Answer when the ledger has it, not when Redis has; 503 with the outcome `unknown` if that takes long.',
    },
  },
};

/** The schema of a route with its problems and headers; hidden where it is not one of ours. */
export function describeRoute(
  schema: Json,
  method: string | readonly string[],
  url: string,
  declared: readonly DeclaredRoute[],
): Json {
  const route = declared.find((known) => known.url === url && known.method === method);
  if (!route) return { hide: true };
  return {
    ...schema,
    ...(route.bodyShown ? { body: route.bodyShown } : {}),
    ...(route.takesActor ? { headers: HEADER_PARAMETERS } : {}),
    response: responsesOf(schema.response as Json, route.problems),
  };
}

/** Marks bodies that may be missing; the plugin requires every body. */
export function relaxBodies<D extends { paths?: object }>(
  document: D,
  declared: readonly DeclaredRoute[],
): D {
  const paths = document.paths as Record<string, Record<string, { requestBody: { required: boolean } }>>;
  for (const { method, url, bodyMayBeMissing } of declared) {
    const operation = paths[url.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    if (bodyMayBeMissing && operation) operation.requestBody.required = false;
  }
  return document;
}

function responsesOf(answers: Json, codes: readonly ProblemCode[]): Json {
  const responses = { ...answers };
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  for (const [status, ofStatus] of byStatus) {
    const { description, content, ...rest } = problemResponse(status, ofStatus);
    const own = answers[status] as Json | undefined;
    // A status can mean a problem or an answer of its own (/readyz); the content type says which.
    responses[status] = own
      ? {
          ...rest,
          description: `${own.description} ${description}`,
          content: { 'application/json': { schema: own }, ...content },
        }
      : { ...rest, description, content };
  }
  return responses;
}

function problemResponse(status: number, codes: readonly ProblemCode[]) {
  const waits = codes.some((code) => PROBLEMS[code].retryAfterSeconds !== undefined);
  const examples = codes.map((code) => {
    const { title, cause } = PROBLEMS[code];
    return [
      code,
      { summary: title, value: { type: `/problems/${code}`, title, status, detail: cause, code } },
    ];
  });
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
    ...(waits ? { headers: { 'Retry-After': { type: 'integer', description: 'Seconds to wait.' } } } : {}),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: 'Problem#' },
            { type: 'object', properties: { code: { type: 'string', enum: codes }, ...membersOf(codes) } },
          ],
        },
        examples: Object.fromEntries(examples),
      },
    },
  };
}

/** Members of several problems of one status; where two mean different things by one name, either. */
function membersOf(codes: readonly ProblemCode[]): Json {
  const shapes = new Map<string, Json[]>();
  for (const code of codes) {
    for (const [name, { kind, meaning }] of Object.entries(PROBLEMS[code].members ?? {})) {
      const shape = { ...MEMBER_SCHEMAS[kind], description: meaning };
      const known = shapes.get(jsonName(name)) ?? [];
      if (!known.some((other) => JSON.stringify(other) === JSON.stringify(shape))) known.push(shape);
      shapes.set(jsonName(name), known);
    }
  }
  return Object.fromEntries(
    [...shapes].map(([name, [shape, ...others]]) => [
      name,
      others.length > 0 ? { anyOf: [shape, ...others] } : shape,
    ]),
  );
}
