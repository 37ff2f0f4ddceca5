/**
 * The commands of an order as callers send them, each declared once, and turned into commands.
 * Promises: a command that comes out of here can be decided; a bad input has touched nothing.
 */
import { z } from 'zod';
import type { Coordinates } from '../geography.ts';
import { ID_HINT, isId } from '../id.ts';
import {
  ACTOR_DEFAULT,
  ALLOCATIONS,
  type Confirm,
  canonicalLines,
  canonicalParts,
  type Extend,
  HOLD_SECONDS_DEFAULT,
  type OrderLine,
  type Release,
  type Reserve,
} from '../language.ts';
import { declare, InvalidCommand, strict, type TypeOf } from './declare.ts';
import { actor, holdSeconds, id, oneOf, orderId, orderLines, partLines, shipTo } from './fields.ts';

export const reserveInput = declare(
  strict({
    orderId,
    lines: orderLines,
    holdSeconds: holdSeconds.optional().meta({ description: 'How long the units are held unpaid (BR-003).' }),
    customerId: id('Who buys; the limit of a sale counts by it.', 'C-7').optional(),
    saleId: id(
      'The sale this order takes part in; its SKU is drawn from what the sale set aside.',
      'S-1111',
    ).optional(),
    shipTo,
    allocation: oneOf(ALLOCATIONS).optional().meta({
      description:
        '`single`, the default: one warehouse for the whole order, else one for each line. `split`: a line may come from several.',
    }),
    actor,
  }),
);
export type ReserveInput = TypeOf<typeof reserveInput>;

export const confirmInput = declare(
  strict({
    orderId,
    lines: partLines,
    reacquire: z.boolean('use true or false').optional().meta({
      description:
        'A payment that came after the hold expired takes the stock again, in one step, if it is there. Default false.',
    }),
    proposeTransferTo: id(
      'The warehouse that should have served: what others serve instead is proposed as a transfer to it.',
      'TPE',
    ).optional(),
    actor,
  }),
);
export type ConfirmInput = TypeOf<typeof confirmInput>;

export const releaseInput = declare(
  strict({
    orderId,
    lines: partLines,
    releaseId: id('Tells two equal partial releases of one order apart.', 'R-1').optional(),
    actor,
  }),
);
export type ReleaseInput = TypeOf<typeof releaseInput>;

export const extendInput = declare(
  strict({
    orderId,
    holdSeconds: holdSeconds.meta({
      description: 'The units are held this long from now on; never shorter than before.',
    }),
    actor,
  }),
);
export type ExtendInput = TypeOf<typeof extendInput>;

const NO_CANDIDATES: readonly string[] = [];

/**
 * The command reserve: lines of one item added up, the hold in milliseconds.
 * @param candidatesFor the warehouses to try, nearest first, for a place; called only where a line names none
 * @throws {InvalidCommand}
 */
export function readReserve(
  input: ReserveInput,
  candidatesFor: (shipTo: Coordinates) => readonly string[] = () => [],
): Reserve {
  const {
    orderId,
    lines,
    holdSeconds = HOLD_SECONDS_DEFAULT,
    customerId,
    saleId,
    shipTo,
    allocation = 'single',
    actor = ACTOR_DEFAULT,
  } = reserveInput.read(input);
  const isOpen = shipTo !== undefined && lines.some((line) => line.warehouse === undefined);
  return {
    kind: 'reserve',
    orderId,
    lines: canonicalLines(lines.map(orderLine)),
    holdMs: holdSeconds * 1_000,
    customerId,
    saleId,
    allocation,
    candidates: isOpen ? candidatesFor(shipTo) : NO_CANDIDATES,
    actor,
  };
}

function orderLine({ sku, warehouse, quantity }: OrderLine): OrderLine {
  return warehouse === undefined ? { sku, quantity } : { sku, warehouse, quantity };
}

/** The command confirm; parts of one SKU added up. @throws {InvalidCommand} */
export function readConfirm(input: ConfirmInput): Confirm {
  const {
    orderId,
    lines,
    reacquire = false,
    proposeTransferTo,
    actor = ACTOR_DEFAULT,
  } = confirmInput.read(input);
  return {
    kind: 'confirm',
    orderId,
    lines: lines && canonicalParts(lines),
    reacquire,
    proposeTransferTo,
    actor,
  };
}

/** The command release; parts of one SKU added up. @throws {InvalidCommand} */
export function readRelease(input: ReleaseInput): Release {
  const { orderId, lines, releaseId, actor = ACTOR_DEFAULT } = releaseInput.read(input);
  return { kind: 'release', orderId, lines: lines && canonicalParts(lines), releaseId, actor };
}

/** The command extend; the hold in milliseconds. @throws {InvalidCommand} */
export function readExtend(input: ExtendInput): Extend {
  const { orderId, holdSeconds, actor = ACTOR_DEFAULT } = extendInput.read(input);
  return { kind: 'extend', orderId, holdMs: holdSeconds * 1_000, actor };
}

/** An id alone, as a look-up takes it. @param path names the field in the message */
export function readId(path: string, value: unknown): string {
  if (!isId(value)) throw new InvalidCommand([{ path, message: ID_HINT }]);
  return value;
}
