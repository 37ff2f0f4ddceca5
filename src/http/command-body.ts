/**
 * The body of a route that hands one command to the engine: the declared input less what the path and the header say.
 * Promises: a field that is not known is refused here, and nothing else is: values are checked once, by the engine.
 */
import type { z } from 'zod';
import { declare, type Input, issuesOf, strict } from '../domain/inputs/declare.ts';
import { invalid, type Problem } from './answers.ts';

/** @example new CommandBody(confirmInput, ['orderId']).compose({ reacquire: true }, undefined, { orderId: 'A-1' }) */
export class CommandBody<T> {
  /** Of the body. */
  readonly schema: z.ZodObject;
  /** Of the path. */
  readonly params: z.ZodObject;
  /** Whether a body that is not there counts as `{}`. */
  readonly mayBeMissing: boolean;
  readonly #knowsAllOf: (value: unknown) => boolean;
  readonly #join: (body: object, params: object, actor: string | undefined) => T;

  /** @param names fields that the path gives */
  constructor(input: Input<T>, names: readonly string[] = []) {
    const fields = Object.entries(input.schema.shape);
    const isInBody = (name: string) => name !== 'actor' && !names.includes(name);
    this.schema = strict(Object.fromEntries(fields.filter(([name]) => isInBody(name))));
    this.params = strict(Object.fromEntries(fields.filter(([name]) => names.includes(name))));
    this.mayBeMissing = this.schema.safeParse({}).success;
    this.#knowsAllOf = declare(this.schema).knowsAllOf;
    this.#join = joinOf<T>(
      fields.map(([name]) => name),
      names,
    );
  }

  /** The command, its values not checked yet; or the problem where the body is no object or has unknown fields. */
  compose(body: unknown, actor: string | undefined, params: object = {}): { readonly command: T } | Problem {
    const given = body === undefined && this.mayBeMissing ? {} : body;
    if (typeof given !== 'object' || given === null || Array.isArray(given) || !this.#knowsAllOf(given)) {
      return invalid(issuesOf(this.schema, given));
    }
    return { command: this.#join(given, params, actor) };
  }
}

/**
 * Puts a command together from its parts, as generated code: it gives every command of a kind one shape, where spreading
 * the parts costs an order several microseconds. The code holds names of fields, and nothing of any input.
 */
function joinOf<T>(
  fields: readonly string[],
  names: readonly string[],
): (body: object, params: object, actor: string | undefined) => T {
  const parts = fields.map((name) => {
    const key = JSON.stringify(name);
    if (name === 'actor') return 'actor';
    return `${key}: ${names.includes(name) ? 'params' : 'body'}[${key}]`;
  });
  return new Function('body', 'params', 'actor', `return { ${parts.join(', ')} };`) as ReturnType<
    typeof joinOf<T>
  >;
}
