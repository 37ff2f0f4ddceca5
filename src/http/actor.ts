/**
 * Who acts, as a request says it in a header. Headers carry bytes, so a name is percent-encoded UTF-8, or plain UTF-8.
 */
import type { FastifyRequest } from 'fastify';
import { InvalidCommand } from '../domain/inputs/declare.ts';
import { readId } from '../domain/inputs/orders.ts';
import { ACTOR_DEFAULT } from '../domain/language.ts';

/** The header under which a caller says who acts. */
export const ACTOR_HEADER = 'Holdfast-Actor';
const ACTOR_FIELD = ACTOR_HEADER.toLowerCase();
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The name in the header; undefined where there is none. That it is an id, the engine checks.
 * @throws {InvalidCommand} where it cannot be decoded, or the header was given twice
 */
export function actorOf(request: FastifyRequest): string | undefined {
  const text = request.headers[ACTOR_FIELD] as string | undefined;
  if (text === undefined || /^[\w.:@-]+$/.test(text)) return text;
  // Node joins a header that was given twice by a comma.
  if (text.includes(',')) refuse('give it once; a comma in a name is written %2C');
  try {
    // Node gives each byte as one character.
    return decodeURIComponent(utf8.decode(Buffer.from(text, 'latin1')));
  } catch {
    return refuse('use percent-encoded UTF-8, such as %E5%80%89; a percent sign in a name is written %25');
  }
}

function refuse(message: string): never {
  throw new InvalidCommand([{ path: 'actor', message }]);
}

/** As {@link actorOf}, with the default where nobody is named. @throws {InvalidCommand} also where it is no id */
export function checkedActorOf(request: FastifyRequest): string {
  return readId('actor', actorOf(request) ?? ACTOR_DEFAULT);
}
