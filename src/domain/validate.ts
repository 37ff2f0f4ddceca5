/**
 * Turns what a caller hands in into commands, or says which field is wrong and what would be right.
 * Promises: a command that comes out of here can be decided; a bad one has touched nothing.
 * Written by hand because every order passes here: a schema library costs several times more (docs/performance.md).
 */
import { type Coordinates, isOnEarth } from './geography.ts';
import { Reader } from './input-reader.ts';
import {
  ALLOCATIONS,
  type Allocation,
  type Confirm,
  type Extend,
  HOLD_SECONDS_DEFAULT,
  type OrderLine,
  type PartLine,
  type Release,
  type Reserve,
} from './language.ts';

export { InvalidCommand, type Issue } from './input-reader.ts';

const NO_CANDIDATES: readonly string[] = [];

export interface ReserveInput {
  readonly orderId: string;
  readonly lines: readonly OrderLine[];
  /** Whole seconds, `HOLD_SECONDS_MIN` to `HOLD_SECONDS_MAX`; default 30 minutes (BR-003). */
  readonly holdSeconds?: number | undefined;
  readonly customerId?: string | undefined;
  readonly saleId?: string | undefined;
  /** Default `single`. */
  readonly allocation?: Allocation | undefined;
  /** Where it is going: the warehouses nearest to it are tried first. */
  readonly shipTo?: Coordinates | undefined;
  readonly actor?: string | undefined;
}
export interface ConfirmInput {
  readonly orderId: string;
  readonly lines?: readonly PartLine[] | undefined;
  readonly reacquire?: boolean | undefined;
  readonly proposeTransferTo?: string | undefined;
  readonly actor?: string | undefined;
}
export interface ReleaseInput {
  readonly orderId: string;
  readonly lines?: readonly PartLine[] | undefined;
  readonly releaseId?: string | undefined;
  readonly actor?: string | undefined;
}
export interface ExtendInput {
  readonly orderId: string;
  readonly holdSeconds: number;
  readonly actor?: string | undefined;
}
/**
 * @param candidatesFor the warehouses to try, nearest first, for a place; asked only where a line names none
 * @throws {InvalidCommand} as all readers here
 */
export function readReserve(
  input: ReserveInput,
  candidatesFor: (shipTo: Coordinates) => readonly string[] = () => [],
): Reserve {
  const read = new Reader();
  const { allocation = 'single', shipTo } = input;
  const orderId = read.id('orderId', input.orderId);
  if (!ALLOCATIONS.includes(allocation)) {
    read.issues.push({ path: 'allocation', message: `use ${ALLOCATIONS.join(' or ')}` });
  }
  if (shipTo !== undefined) checkCoordinates(read, 'shipTo', shipTo);
  const lines = read.lines<OrderLine>(input.lines, true);
  const isRanked = shipTo !== undefined && read.issues.length === 0;
  const command: Reserve = {
    kind: 'reserve',
    orderId,
    lines,
    holdMs: input.holdSeconds === undefined ? HOLD_SECONDS_DEFAULT * 1_000 : read.holdMs(input.holdSeconds),
    customerId: read.optionalId('customerId', input.customerId),
    saleId: read.optionalId('saleId', input.saleId),
    allocation,
    candidates:
      isRanked && lines.some((line) => line.warehouse === undefined) ? candidatesFor(shipTo) : NO_CANDIDATES,
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
    reacquire: read.boolean('reacquire', input.reacquire),
    proposeTransferTo: read.optionalId('proposeTransferTo', input.proposeTransferTo),
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
    releaseId: read.optionalId('releaseId', input.releaseId),
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

/** An id alone, as a look-up takes it. */
export function readId(path: string, value: unknown): string {
  const read = new Reader();
  const id = read.id(path, value);
  read.done();
  return id;
}

function checkCoordinates(read: Reader, path: string, place: Coordinates): void {
  if (typeof place !== 'object' || place === null || !isOnEarth(place)) {
    read.issues.push({ path, message: 'give {latitude, longitude} in degrees, -90 to 90 and -180 to 180' });
  }
}
