/**
 * Requests that never reach a handler: wrong bodies, unknown routes, errors of the protocol itself.
 * Promises: they too get problem documents; an unexpected error is 500 with a request id, and logged.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { InvalidCommand } from '../domain/inputs/declare.ts';
import { type Answer, internal, invalid, problem } from './answers.ts';
import { RefusedJson } from './json-body.ts';
import type { HttpMetrics } from './metrics.ts';
import type { ProblemCode } from './problems.ts';
import type { Routes } from './route.ts';

/** Errors of the framework by their code; all others of status 400 are errors of the request. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, readonly [ProblemCode, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'The body is larger than this call takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'The Content-Type is not application/json.'],
};

/** Answers whatever is thrown before a handler or after it. */
export function refuseErrors(app: FastifyInstance, routes: Routes, log: FastifyBaseLogger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    let answer = answerOfFramework(error);
    if (!answer) {
      log.error({ err: error, requestId: request.id }, 'a request failed by a defect');
      answer = internal(request.id);
    }
    return routes.sendBeforeHandler(request, reply, answer);
  });
}

function answerOfFramework(error: FastifyError): Answer | undefined {
  const known = FRAMEWORK_PROBLEMS[error.code];
  if (known) return problem(...known);
  if (error instanceof InvalidCommand) return invalid(error.issues);
  if (error instanceof RefusedJson) return invalid([{ path: '', message: error.message }]);
  // Its message quotes the body, which may hold anything.
  if (error instanceof SyntaxError || error.code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return invalid([{ path: '', message: 'the body is not well-formed JSON' }]);
  }
  const isRequestError = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  return isRequestError ? invalid([{ path: '', message: 'the request cannot be read' }]) : undefined;
}

/** 405 with Allow where the path exists with other methods, else 404. */
export function refuseUnknownRoutes(app: FastifyInstance, routes: Routes): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = methodsOf(path, routes);
    if (methods.length === 0) {
      return routes.sendBeforeHandler(
        request,
        reply,
        problem('not-found', 'No route of this API has this path.'),
      );
    }
    const allowed = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
    const answer = problem('method-not-allowed', `This address takes ${allowed.join(', ')}.`, { allowed });
    return routes.sendBeforeHandler(request, reply, { ...answer, headers: { allow: allowed.join(', ') } });
  });
}

function methodsOf(path: string, routes: Routes): string[] {
  const parts = path.split('/');
  return routes.declared
    .filter(({ url }) => {
      const wanted = url.split('/');
      return (
        wanted.length === parts.length && wanted.every((part, i) => part.startsWith(':') || part === parts[i])
      );
    })
    .map(({ method }) => method);
}

/** Addresses that cannot be decoded, `/v1/items/%ZZ`, fail before any route is looked for. */
export function refuseAddress(routes: Routes) {
  return (_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    routes.sendBeforeHandler(
      request,
      reply,
      invalid([{ path: '', message: 'the address cannot be decoded' }]),
    );
  };
}

/** Errors below HTTP: there is no request yet, so the answer is written by hand and the connection ends. */
export function refuseClientErrors(
  metrics: HttpMetrics,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const unread = metrics.route('none');
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const answer = answerOfProtocol(error.code);
    unread.answered(answer.status, 0);
    if (answer.problem) metrics.problem(answer.problem);
    if (socket.writable) {
      const body = String(answer.body);
      socket.write(
        `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    }
    socket.destroySoon();
  };
}

function answerOfProtocol(code: string | undefined): Answer {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return problem('request-timeout', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW')
    return problem('headers-too-large', 'The headers are larger than this server takes.');
  return invalid([{ path: '', message: 'this is not an HTTP request' }]);
}
