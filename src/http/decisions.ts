/**
 * Translates what the inventory decided into answers: done as a body, refused as a problem with its members, both by the
 * table of refusals. Refuses to know: routes.
 */
import {
  type Decision,
  type MemberKind,
  REFUSAL_CODES,
  REFUSALS,
  type Refusal,
  type RefusalCode,
  type RefusalRow,
} from '../domain/language.ts';
import { type Answer, type Problem, problem, REPEAT_LATER } from './answers.ts';
import { jsonName, WRITERS } from './problem-members.ts';

/** @param firstStatus of an answer that is none of an earlier try */
export function decided<T>(
  decision: Decision<T>,
  firstStatus: 200 | 201,
  write: (value: T) => object,
): Answer {
  if (decision.outcome === 'refused') return refused(decision.refusal);
  const { value, replayed } = decision;
  return { status: replayed ? 200 : firstStatus, body: write(value), replayed };
}

interface Writing {
  readonly members: readonly (readonly [name: string, jsonName: string, kind: MemberKind])[];
  /** The detail, cut at its members: text, name, text, name, ..., text. */
  readonly detail: readonly string[];
  readonly kinds: ReadonlyMap<string, MemberKind>;
  /** What every answer of this code has besides. */
  readonly always: object;
}

/** Worked out once: in a rush most answers are refusals. */
const WRITINGS = Object.fromEntries(
  REFUSAL_CODES.map((code) => [code, writingOf(REFUSALS[code])]),
) as Readonly<Record<RefusalCode, Writing>>;

function writingOf({ members = {}, detail, retryAfterSeconds }: RefusalRow): Writing {
  const kinds = Object.entries(members).map(([name, { kind }]) => [name, kind] as const);
  return {
    members: kinds.map(([name, kind]) => [name, jsonName(name), kind]),
    detail: detail.split(/\{(\w+)\}/),
    kinds: new Map(kinds),
    always: retryAfterSeconds === undefined ? {} : { outcome: 'nothing-happened', advice: REPEAT_LATER },
  };
}

/** An expected no of the domain. */
export function refused(refusal: Refusal): Problem {
  const { members, detail, kinds, always } = WRITINGS[refusal.code];
  const values = refusal as unknown as Readonly<Record<string, never>>;
  const written: Record<string, unknown> = {};
  for (const [name, inJson, kind] of members) written[inJson] = WRITERS[kind].json(values[name] as never);
  let text = '';
  for (const [i, part] of detail.entries()) {
    const kind = i % 2 === 1 ? kinds.get(part) : undefined;
    text += kind === undefined ? part : WRITERS[kind].words(values[part] as never);
  }
  return problem(refusal.code, text, { ...written, ...always });
}
