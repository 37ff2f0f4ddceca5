/**
 * One declaration per input: a zod schema, from which come the compiled check, what is wrong in words, the JSON Schema
 * that OpenAPI shows, and the TypeScript type. Promises: the compiled check and the schema accept the same values; it
 * costs an order a fraction of a microsecond, where zod itself takes several times as long (docs/performance.md).
 * Refuses to know: what the inputs are.
 */
import assert from 'node:assert';
import { z } from 'zod';

/** One thing wrong with an input: where (`lines[0].quantity`) and what would be right. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** The input is not a command. Nothing was sent anywhere; sending it again cannot help. */
export class InvalidCommand extends Error {
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
    this.name = 'InvalidCommand';
    this.issues = issues;
  }
}

/** The most wrong fields that one answer names. */
export const ISSUES_MAX = 20;

type Immutable<T> = T extends readonly (infer E)[]
  ? readonly Immutable<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Immutable<T[K]> }
    : T;

/** An input declared by {@link declare}. */
export interface Input<T = unknown, S extends z.ZodObject = z.ZodObject> {
  /** Strict: it refuses fields it does not know. */
  readonly schema: S;
  /** The value itself where it is of this form; fields that are not known are ignored. @throws {InvalidCommand} */
  read(value: unknown): T;
  /** As {@link Input.read}, with what is wrong as a value; empty where nothing is. */
  issues(value: unknown): readonly Issue[];
  /** Whether the value, and everything in it, has only fields that are known. */
  knowsAllOf(value: unknown): boolean;
}
/** The type of a declared input, read-only all through. */
export type TypeOf<I> = I extends Input<infer T> ? T : never;

/**
 * Declares an input.
 * @example
 * const extendInput = declare(strict({ orderId, holdSeconds }));
 * const { orderId, holdSeconds } = extendInput.read(JSON.parse(body));
 */
export function declare<S extends z.ZodObject>(schema: S): Input<Immutable<z.input<S>>, S> {
  const accepts = compileCheck(schema);
  const issues = (value: unknown): readonly Issue[] => {
    if (accepts(value)) return [];
    const found = issuesOf(schema, value, true);
    assert(found.length > 0, 'the compiled check refuses what its schema accepts');
    return found;
  };
  return {
    schema,
    knowsAllOf: compileKnown(schema),
    issues,
    read(value) {
      if (accepts(value)) return value as Immutable<z.input<S>>;
      throw new InvalidCommand(issues(value));
    },
  };
}

/** An object that refuses fields it does not know. */
export function strict<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? 'unknown field: leave it out' : 'give a JSON object',
  });
}

/**
 * What is wrong with a value, in words, at most {@link ISSUES_MAX}; empty where nothing is.
 * @param ignoresUnknown fields that the schema does not know are not wrong
 */
export function issuesOf(schema: z.ZodType, value: unknown, ignoresUnknown = false): Issue[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  const messages = new Map<string, string>();
  for (const { path, message, ...issue } of result.error.issues) {
    const isUnknown = issue.code === 'unrecognized_keys';
    if (isUnknown && ignoresUnknown) continue;
    for (const wrong of isUnknown ? issue.keys.map((key) => [...path, key.slice(0, 64)]) : [path]) {
      // A value can break two rules at once; the message of the first covers both.
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

// The compiled check -------------------------------------------------------------------------------------

/** What the definitions of zod's schemas and checks hold, as far as inputs use them. */
interface Definition {
  readonly type: string;
  readonly format?: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly entries?: Readonly<Record<string, string>>;
  readonly checks?: readonly { readonly _zod: { readonly def: CheckDefinition } }[];
}
interface CheckDefinition {
  readonly check: string;
  readonly value?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly fn?: Predicate;
}
type Predicate = (value: unknown) => boolean;

const definitionOf = (schema: z.core.$ZodType) => schema._zod.def as unknown as Definition;

/**
 * Whether a value is of the schema's form, unknown fields aside, as generated code: a walk over the definition takes three
 * times as long for an order. The code holds keys, numbers and words of the schema, and nothing of any input.
 */
function compileCheck(schema: z.core.$ZodType): Predicate {
  const predicates: Predicate[] = [];
  const call = (predicate: Predicate, value: string) => `is[${predicates.push(predicate) - 1}](${value})`;
  const code = formCode(schema, 'value', call);
  return new Function('is', `return (value) => ${code};`)(predicates) as Predicate;
}

type Call = (predicate: Predicate, value: string) => string;

function formCode(schema: z.core.$ZodType, value: string, call: Call): string {
  const definition = definitionOf(schema);
  const rules = (definition.checks ?? []).map(({ _zod }) => ruleCode(_zod.def, value, call));
  return [typeCode(definition, value, call), ...rules].join(' && ');
}

function typeCode(
  { type, format, shape = {}, element, innerType, entries = {} }: Definition,
  value: string,
  call: Call,
): string {
  switch (type) {
    case 'string':
    case 'boolean':
      return `typeof ${value} === '${type}'`;
    case 'number':
      return `Number.${format === 'safeint' ? 'isSafeInteger' : 'isFinite'}(${value})`;
    case 'enum':
      return `${JSON.stringify(Object.values(entries))}.includes(${value})`;
    case 'optional':
      return `(${value} === undefined || ${formCode(innerType as z.core.$ZodType, value, call)})`;
    case 'array':
      return `Array.isArray(${value}) && ${call(eachOf(compileCheck(element as z.core.$ZodType)), value)}`;
    case 'object': {
      const fields = Object.entries(shape).map(([key, field]) =>
        formCode(field, `${value}[${JSON.stringify(key)}]`, call),
      );
      return [
        `typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value})`,
        ...fields,
      ].join(' && ');
    }
    default:
      throw new Error(`inputs have no compiled check for ${type}`);
  }
}

/** Unlike `every`, it does not skip holes. */
function eachOf(check: Predicate): Predicate {
  return (list) => {
    for (const part of list as readonly unknown[]) if (!check(part)) return false;
    return true;
  };
}

function ruleCode(rule: CheckDefinition, value: string, call: Call): string {
  switch (rule.check) {
    case 'custom':
      return call(rule.fn as Predicate, value);
    case 'greater_than':
      return `${value} >= ${rule.value}`;
    case 'less_than':
      return `${value} <= ${rule.value}`;
    case 'min_length':
      return `${value}.length >= ${rule.minimum}`;
    case 'max_length':
      return `${value}.length <= ${rule.maximum}`;
    default:
      throw new Error(`inputs have no compiled check for ${rule.check}`);
  }
}

/** Whether a value has only fields that the schema knows, wherever in it they are. */
function compileKnown(schema: z.core.$ZodType): Predicate {
  const { type, shape = {}, element, innerType } = definitionOf(schema);
  if (type === 'optional') return compileKnown(innerType as z.core.$ZodType);
  if (type === 'array') {
    const known = compileKnown(element as z.core.$ZodType);
    return known === isKnown ? isKnown : (value) => !Array.isArray(value) || value.every(known);
  }
  if (type !== 'object') return isKnown;
  const keys = new Set(Object.keys(shape));
  const nested = Object.entries(shape)
    .map(([key, field]) => [key, compileKnown(field)] as const)
    .filter(([, known]) => known !== isKnown);
  return (value) => {
    if (typeof value !== 'object' || value === null) return true;
    for (const key in value) if (!keys.has(key)) return false;
    return nested.every(([key, known]) => known((value as Readonly<Record<string, unknown>>)[key]));
  };
}

const isKnown: Predicate = () => true;
