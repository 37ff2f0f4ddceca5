/**
 * What people read: the problem pages, the OpenAPI document and the page that shows it.
 * Promises: the document is made from the routes as declared, so it cannot forget one; all assets come from this process.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { problem } from '../answers.ts';
import { describeRoute, openApiBase, relaxBodies, SHARED_SCHEMAS } from '../openapi.ts';
import { PAGE_HEADERS, problemPage, problemsPage } from '../problem-pages.ts';
import { isProblemCode } from '../problems.ts';
import type { Routes } from '../route.ts';

const tag = 'operation';
const HTML = { content: { 'text/html': { schema: { type: 'string' } } } };
/** The page's own scripts and styles, and pictures within them. */
const DOCS_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/** Must run before any route is declared: the document is made from those that follow. */
export async function collectRoutes(app: FastifyInstance, routes: Routes, version: string): Promise<void> {
  for (const [name, schema] of Object.entries(SHARED_SCHEMAS)) app.addSchema({ $id: name, ...schema });
  await app.register(swagger, {
    openapi: openApiBase(version),
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json) => String(json.$id) },
    transformObject: (document) =>
      'openapiObject' in document
        ? relaxBodies(document.openapiObject, routes.declared)
        : document.swaggerObject,
    transform: ({ schema, url, route }) => ({
      schema: describeRoute({ ...schema }, route.method, url, routes.declared),
      url,
    }),
  });
}

/** Declares the problem pages, the document and its page. */
export async function declarePages(app: FastifyInstance, routes: Routes): Promise<void> {
  routes.declare(app, {
    method: 'GET',
    url: '/problems',
    name: 'listProblems',
    tag,
    summary: 'All problem codes, as a page',
    answers: { 200: { description: 'A page.', ...HTML } },
    handle: async () => ({ status: 200, body: problemsPage(), headers: PAGE_HEADERS }),
  });
  routes.declare(app, {
    method: 'GET',
    url: '/problems/:code',
    name: 'getProblem',
    tag,
    summary: 'One problem code: cause, remedy and a curl, as a page',
    params: z.strictObject({ code: z.string() }),
    answers: { 200: { description: 'A page.', ...HTML } },
    problems: ['not-found'],
    handle: async (request) => {
      const { code } = request.params;
      if (!isProblemCode(code)) return problem('not-found', 'There is no problem with this code.');
      return { status: 200, body: problemPage(code), headers: PAGE_HEADERS };
    },
  });
  routes.declare(app, {
    method: 'GET',
    url: '/openapi.json',
    name: 'openapi',
    tag,
    summary: 'This document',
    answers: {
      200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
    },
    handle: async () => ({
      status: 200,
      body: JSON.stringify(app.swagger()),
      headers: { 'content-type': 'application/json; charset=utf-8' },
    }),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_POLICY,
    // Without a validator: it would send every document of a server that is not local to a stranger.
    uiConfig: {
      docExpansion: 'list',
      tryItOutEnabled: true,
      displayRequestDuration: true,
      validatorUrl: null,
    },
    theme: { title: 'Holdfast' },
  });
}
