/**
 * Turns what a caller hands in into commands, or says which field is wrong and what would be right.
 * Promises: a command that comes out of here can be decided; a bad one has touched nothing.
 * Written by hand because every order passes here: a schema library costs several times more (docs/performance.md).
 */
import {
  ACTOR_DEFAULT,
  type Confirm,
  canonicalLines,
  type Extend,
  HOLD_SECONDS_DEFAULT,
  HOLD_SECONDS_MAX,
  HOLD_SECONDS_MIN,
  ID_PATTERN,
  LINES_MAX,
  type OrderLine,
  type PartLine,
  QUANTITY_MAX,
  REASON_LENGTH_MAX,
  type Receive,
  type Release,
  type Reserve,
  type SetSafetyStock,
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

export interface ReserveInput {
  readonly orderId: string;
  readonly lines: readonly OrderLine[];
  /** Whole seconds, {@link HOLD_SECONDS_MIN} to {@link HOLD_SECONDS_MAX}; default 30 minutes (BR-003). */
  readonly holdSeconds?: number | undefined;
  readonly actor?: string | undefined;
}
export interface ConfirmInput {
  readonly orderId: string;
  readonly lines?: readonly PartLine[] | undefined;
  readonly actor?: string | undefined;
}
export interface ReleaseInput extends ConfirmInput {
  readonly releaseId?: string | undefined;
}
export interface ExtendInput {
  readonly orderId: string;
  readonly holdSeconds: number;
  readonly actor?: string | undefined;
}
export interface ReceiveInput {
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason?: string | undefined;
  readonly actor?: string | undefined;
}
export interface SafetyStockInput {
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly actor?: string | undefined;
}

const ID_MESSAGE = 'use 1 to 64 letters, digits, ".", "_", ":" or "-", beginning with a letter or digit';
/** A quantity of one unit or more; NaN, fractions and numbers as text are none. */
const QUANTITY_MESSAGE = `use a whole number from 1 to ${QUANTITY_MAX}`;

class Reader {
  readonly issues: Issue[] = [];

  id(path: string, value: unknown): string {
    if (typeof value === 'string' && ID_PATTERN.test(value)) return value;
    this.issues.push({ path, message: ID_MESSAGE });
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
      if (typeof sku !== 'string' || !ID_PATTERN.test(sku)) this.id(`lines[${i}].sku`, sku);
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

/** @throws {InvalidCommand} as all readers here. */
export function readReserve(input: ReserveInput): Reserve {
  const read = new Reader();
  const command: Reserve = {
    kind: 'reserve',
    orderId: read.id('orderId', input.orderId),
    lines: read.lines(input.lines, true),
    holdMs: input.holdSeconds === undefined ? HOLD_SECONDS_DEFAULT * 1_000 : read.holdMs(input.holdSeconds),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readConfirm(input: ConfirmInput): Confirm {
  const read = new Reader();
  const command: Confirm = {
    kind: 'confirm',
    orderId: read.id('orderId', input.orderId),
    lines: input.lines === undefined ? undefined : read.lines<PartLine>(input.lines, false),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readRelease(input: ReleaseInput): Release {
  const read = new Reader();
  const command: Release = {
    kind: 'release',
    orderId: read.id('orderId', input.orderId),
    lines: input.lines === undefined ? undefined : read.lines<PartLine>(input.lines, false),
    releaseId: input.releaseId === undefined ? undefined : read.id('releaseId', input.releaseId),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readExtend(input: ExtendInput): Extend {
  const read = new Reader();
  const command: Extend = {
    kind: 'extend',
    orderId: read.id('orderId', input.orderId),
    holdMs: read.holdMs(input.holdSeconds),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readReceive(input: ReceiveInput): Receive {
  const read = new Reader();
  const reason = input.reason ?? '';
  if (typeof reason !== 'string' || reason.length > REASON_LENGTH_MAX || /\p{Cc}|\p{Cs}/u.test(reason)) {
    read.issues.push({ path: 'reason', message: `use at most ${REASON_LENGTH_MAX} printable characters` });
  }
  const command: Receive = {
    kind: 'receive',
    movementId: read.id('movementId', input.movementId),
    sku: read.id('sku', input.sku),
    warehouse: read.id('warehouse', input.warehouse),
    quantity: read.whole('quantity', input.quantity, 1, QUANTITY_MAX),
    reason,
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readSafetyStock(input: SafetyStockInput): SetSafetyStock {
  const read = new Reader();
  const command: SetSafetyStock = {
    kind: 'set-safety-stock',
    sku: read.id('sku', input.sku),
    warehouse: read.id('warehouse', input.warehouse),
    quantity: read.whole('quantity', input.quantity, 0, QUANTITY_MAX),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

/** An id alone, as a look-up takes it. */
export function readId(path: string, value: unknown): string {
  const read = new Reader();
  const id = read.id(path, value);
  read.done();
  return id;
}
