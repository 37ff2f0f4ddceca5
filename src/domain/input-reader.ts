/**
 * Reads one input field by field and keeps what is wrong with it, so that a caller hears of everything at once.
 * Promises: a value that comes back without an issue is of its form; `done` throws where there is an issue.
 */
import {
  ACTOR_DEFAULT,
  canonicalLines,
  HOLD_SECONDS_MAX,
  HOLD_SECONDS_MIN,
  ID_HINT,
  isId,
  LINES_MAX,
  type OrderLine,
  QUANTITY_MAX,
  REASON_LENGTH_MAX,
} from './language.ts';

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

/** A quantity of one unit or more; NaN, fractions and numbers as text are none. */
const QUANTITY_MESSAGE = `use a whole number from 1 to ${QUANTITY_MAX}`;

export class Reader {
  readonly issues: Issue[] = [];

  id(path: string, value: unknown): string {
    if (isId(value)) return value;
    this.issues.push({ path, message: ID_HINT });
    return '';
  }

  actor(value: unknown): string {
    return value === undefined ? ACTOR_DEFAULT : this.id('actor', value);
  }

  whole(path: string, value: unknown, min: number, max: number): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.issues.push({
      path,
      message:
        min === 1 && max === QUANTITY_MAX ? QUANTITY_MESSAGE : `use a whole number from ${min} to ${max}`,
    });
    return 0;
  }

  /** An id that may be left out. */
  optionalId(path: string, value: unknown): string | undefined {
    return value === undefined ? undefined : this.id(path, value);
  }

  list(path: string, value: unknown): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.issues.push({ path, message: 'give a list' });
    return [];
  }

  boolean(path: string, value: unknown): boolean {
    if (value === undefined || typeof value === 'boolean') return value ?? false;
    this.issues.push({ path, message: 'use true or false' });
    return false;
  }

  /** A free text for the ledger. @param isRequired it must say something */
  reason(value: unknown, isRequired: boolean): string {
    const reason = value ?? '';
    if (typeof reason !== 'string' || reason.length > REASON_LENGTH_MAX || /\p{Cc}|\p{Cs}/u.test(reason)) {
      this.issues.push({ path: 'reason', message: `use at most ${REASON_LENGTH_MAX} printable characters` });
      return '';
    }
    if (isRequired && reason.trim() === '') {
      this.issues.push({ path: 'reason', message: 'say why: the ledger keeps it' });
    }
    return reason;
  }

  holdMs(value: unknown): number {
    return this.whole('holdSeconds', value, HOLD_SECONDS_MIN, HOLD_SECONDS_MAX) * 1_000;
  }

  /** Lines of one SKU are added up before any check (and the sum is held to the same limit). */
  lines<L extends OrderLine>(value: unknown, withWarehouse: boolean): readonly L[] {
    if (!Array.isArray(value) || value.length < 1 || value.length > LINES_MAX) {
      this.issues.push({ path: 'lines', message: `give 1 to ${LINES_MAX} lines of {sku, quantity}` });
      return [];
    }
    const lines: OrderLine[] = [];
    for (let i = 0; i < value.length; i++) {
      const line = value[i] as OrderLine | null;
      if (typeof line !== 'object' || line === null) {
        this.issues.push({ path: `lines[${i}]`, message: 'give {sku, quantity}' });
        continue;
      }
      const { sku, quantity } = line;
      if (!isId(sku)) this.id(`lines[${i}].sku`, sku);
      if (!(Number.isInteger(quantity) && quantity >= 1 && quantity <= QUANTITY_MAX)) {
        this.issues.push({ path: `lines[${i}].quantity`, message: QUANTITY_MESSAGE });
      }
      if (withWarehouse && line.warehouse !== undefined) {
        lines.push({ sku, warehouse: this.id(`lines[${i}].warehouse`, line.warehouse), quantity });
      } else lines.push({ sku, quantity });
    }
    if (this.issues.length > 0) return [];
    const sums = canonicalLines(lines);
    for (const line of sums) {
      if (line.quantity > QUANTITY_MAX) {
        this.issues.push({
          path: 'lines',
          message: `lines of ${line.sku} come to more than ${QUANTITY_MAX} together`,
        });
      }
    }
    return sums as readonly L[];
  }

  done(): void {
    if (this.issues.length > 0) throw new InvalidCommand(this.issues);
  }
}
