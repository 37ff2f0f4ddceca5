/**
 * The commands of warehouse people and sellers as callers send them. Promises: as orders.ts.
 */
import { z } from 'zod';
import {
  ACTOR_DEFAULT,
  type CancelStocktake,
  type CancelTransfer,
  type CloseSale,
  type CompleteStocktake,
  type DispatchTransfer,
  LEASE_SECONDS_DEFAULT,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  type Movement,
  type MovementKind,
  QUANTITY_MAX,
  type ReceiveTransfer,
  type ScheduleSale,
  type SetSafetyStock,
  SHORTFALL_RELEASES_MAX,
  type StartStocktake,
} from '../language.ts';
import { declare, type Input, strict, type TypeOf } from './declare.ts';
import { actor, id, orderId, quantity, reason, requiredReason, sku, warehouse, whole } from './fields.ts';

// Stock movements ----------------------------------------------------------------------------------------

const movement = {
  movementId: id('The movement, named by the caller; repeating it moves nothing twice.', 'M-1'),
  sku,
  warehouse,
  quantity,
};
const OF_ORDER = { orderId: orderId.optional(), reason: reason.optional(), actor };

export const receiveInput = declare(strict({ ...movement, reason: reason.optional(), actor }));
export const issueInput = declare(
  strict({
    ...movement,
    reason: requiredReason('Why they are gone: the ledger keeps it.', 'water damage'),
    actor,
  }),
);
export const shipInput = declare(strict({ ...movement, ...OF_ORDER }));
export const writeOffInput = declare(
  strict({
    ...movement,
    ...OF_ORDER,
    reason: requiredReason('Why they cannot be sold: the ledger keeps it.', 'torn'),
  }),
);
export const correctInput = declare(
  strict({
    ...movement,
    quantity: whole(0, QUANTITY_MAX).meta({
      description: 'What the total is to be; available takes the difference.',
    }),
    reason: requiredReason('Why: the ledger keeps it.', 'two boxes behind the shelf'),
    expectedVersion: whole(0, Number.MAX_SAFE_INTEGER).meta({
      description: 'The version of the item as it was seen; another one refuses the correction.',
      examples: [12],
    }),
    actor,
  }),
);
const MOVEMENT_INPUTS: Readonly<Record<MovementKind, Input>> = {
  receive: receiveInput,
  issue: issueInput,
  ship: shipInput,
  return: shipInput,
  'write-off': writeOffInput,
  correct: correctInput,
};
/** Of any kind; which fields a kind needs is checked when it is read. */
export type MovementInput = TypeOf<typeof shipInput> &
  Partial<Pick<TypeOf<typeof correctInput>, 'expectedVersion'>>;

/** The command of a movement of this kind. @throws {InvalidCommand} */
export function readMovement(kind: MovementKind, input: MovementInput): Movement {
  const {
    movementId,
    sku,
    warehouse,
    quantity,
    reason = '',
    orderId,
    expectedVersion = 0,
    actor = ACTOR_DEFAULT,
  } = MOVEMENT_INPUTS[kind].read(input) as MovementInput;
  const base = { movementId, sku, warehouse, quantity, reason, actor };
  switch (kind) {
    case 'receive':
    case 'issue':
      return { kind, ...base };
    case 'ship':
    case 'return':
    case 'write-off':
      return { kind, ...base, orderId };
    case 'correct':
      return { kind, ...base, expectedVersion };
  }
}

export const safetyStockInput = declare(
  strict({
    sku,
    warehouse,
    quantity: whole(0, QUANTITY_MAX).meta({
      description: 'The alert fires when available falls under it (BR-005); 0 is off.',
    }),
    actor,
  }),
);
export type SafetyStockInput = TypeOf<typeof safetyStockInput>;

/** The command set-safety-stock. @throws {InvalidCommand} */
export function readSafetyStock(input: SafetyStockInput): SetSafetyStock {
  const { sku, warehouse, quantity, actor = ACTOR_DEFAULT } = safetyStockInput.read(input);
  return { kind: 'set-safety-stock', sku, warehouse, quantity, actor };
}

// Stocktakes ---------------------------------------------------------------------------------------------

export const stocktakeId = id('The count sheet, named by the caller.', 'COUNT-7');
export const leaseSeconds = whole(LEASE_SECONDS_MIN, LEASE_SECONDS_MAX)
  .optional()
  .meta({ description: `After this time a lock ends by itself; default ${LEASE_SECONDS_DEFAULT}.` });
export const counted = whole(0, QUANTITY_MAX).meta({
  description: 'Units found in the building, those held and sold but not shipped included.',
  examples: [98],
});

export const startStocktakeInput = declare(strict({ stocktakeId, sku, warehouse, leaseSeconds, actor }));
export type StartStocktakeInput = TypeOf<typeof startStocktakeInput>;

/** The command start-stocktake; the lease in milliseconds. @throws {InvalidCommand} */
export function readStartStocktake(input: StartStocktakeInput): StartStocktake {
  const {
    stocktakeId,
    sku,
    warehouse,
    leaseSeconds = LEASE_SECONDS_DEFAULT,
    actor = ACTOR_DEFAULT,
  } = startStocktakeInput.read(input);
  return { kind: 'start-stocktake', stocktakeId, sku, warehouse, leaseMs: leaseSeconds * 1_000, actor };
}

export const completeStocktakeInput = declare(
  strict({
    stocktakeId,
    sku,
    warehouse,
    counted,
    reason: reason.optional(),
    releasable: z
      .array(orderId, 'give a list')
      .optional()
      .meta({
        description: `Orders that may be released where the count is below what is committed, in this order; the first ${SHORTFALL_RELEASES_MAX} count.`,
      }),
    actor,
  }),
);
export type CompleteStocktakeInput = TypeOf<typeof completeStocktakeInput>;

/** The command complete-stocktake; at most SHORTFALL_RELEASES_MAX releasable orders. @throws {InvalidCommand} */
export function readCompleteStocktake(input: CompleteStocktakeInput): CompleteStocktake {
  const {
    stocktakeId,
    sku,
    warehouse,
    counted,
    reason = '',
    releasable = [],
    actor = ACTOR_DEFAULT,
  } = completeStocktakeInput.read(input);
  const first = releasable.slice(0, SHORTFALL_RELEASES_MAX);
  return {
    kind: 'complete-stocktake',
    stocktakeId,
    sku,
    warehouse,
    counted,
    reason,
    releasable: first,
    actor,
  };
}

export const cancelStocktakeInput = declare(strict({ stocktakeId, sku, warehouse, actor }));
export type CancelStocktakeInput = TypeOf<typeof cancelStocktakeInput>;

/** The command cancel-stocktake. @throws {InvalidCommand} */
export function readCancelStocktake(input: CancelStocktakeInput): CancelStocktake {
  const { stocktakeId, sku, warehouse, actor = ACTOR_DEFAULT } = cancelStocktakeInput.read(input);
  return { kind: 'cancel-stocktake', stocktakeId, sku, warehouse, actor };
}

// Transfers ----------------------------------------------------------------------------------------------

export const transferId = id('The transfer, named by the caller; repeating it moves nothing twice.', 'T-1');

export const dispatchTransferInput = declare(
  strict({
    transferId,
    sku,
    from: warehouse.meta({ description: 'The warehouse they leave.', examples: ['KHH'] }),
    to: warehouse.meta({ description: 'The warehouse they go to.', examples: ['TPE'] }),
    quantity,
    reason: reason.optional(),
    actor,
  }).refine(({ from, to }) => from !== to, {
    path: ['to'],
    message: 'name another warehouse than the one in `from`',
  }),
);
export type DispatchTransferInput = TypeOf<typeof dispatchTransferInput>;

/** The command dispatch-transfer. @throws {InvalidCommand} */
export function readDispatchTransfer(input: DispatchTransferInput): DispatchTransfer {
  const {
    transferId,
    sku,
    from,
    to,
    quantity,
    reason = '',
    actor = ACTOR_DEFAULT,
  } = dispatchTransferInput.read(input);
  return { kind: 'dispatch-transfer', transferId, sku, from, to, quantity, reason, actor };
}

const ARRIVED_HINT = `say how many units arrived, sound or rejected: 1 to ${QUANTITY_MAX} together`;

export const receiveTransferInput = declare(
  strict({
    transferId,
    received: whole(0, QUANTITY_MAX).meta({ description: 'Units that arrived sound.', examples: [4] }),
    rejected: whole(0, QUANTITY_MAX)
      .optional()
      .meta({
        description: 'Units that arrived unfit: they land and are issued again in the same step.',
        examples: [1],
      }),
    receiptId: id('Tells two equal receipts of one transfer apart.', 'R-1').optional(),
    actor,
  }).refine(({ received, rejected = 0 }) => received + rejected >= 1 && received + rejected <= QUANTITY_MAX, {
    path: ['received'],
    message: ARRIVED_HINT,
  }),
);
export type ReceiveTransferInput = TypeOf<typeof receiveTransferInput>;

/** The command receive-transfer. @throws {InvalidCommand} */
export function readReceiveTransfer(input: ReceiveTransferInput): ReceiveTransfer {
  const {
    transferId,
    received,
    rejected = 0,
    receiptId,
    actor = ACTOR_DEFAULT,
  } = receiveTransferInput.read(input);
  return { kind: 'receive-transfer', transferId, received, rejected, receiptId, actor };
}

export const cancelTransferInput = declare(strict({ transferId, actor }));
export type CancelTransferInput = TypeOf<typeof cancelTransferInput>;

/** The command cancel-transfer. @throws {InvalidCommand} */
export function readCancelTransfer(input: CancelTransferInput): CancelTransfer {
  const { transferId, actor = ACTOR_DEFAULT } = cancelTransferInput.read(input);
  return { kind: 'cancel-transfer', transferId, actor };
}

// Flash sales --------------------------------------------------------------------------------------------

/** The last instant JavaScript and Postgres can both write in four digits of a year. */
const INSTANT_MS_MAX = 253_402_300_799_999;
export const saleId = id('The sale, named by the caller.', 'S-1111');
/** The fields of a sale except its window. */
export const saleTerms = {
  saleId,
  sku,
  quantity: quantity.meta({
    description: 'Units set aside for the sale; the rest stays for others.',
    examples: [100],
  }),
  limitPerCustomer: whole(0, QUANTITY_MAX)
    .optional()
    .meta({
      description: 'Units one customer may hold and buy over all orders; left out or 0: no limit.',
      examples: [2],
    }),
};
export const scheduleSaleInput = declare(
  strict({
    ...saleTerms,
    /** Milliseconds since 1970. */
    opensAtMs: whole(1, INSTANT_MS_MAX),
    closesAtMs: whole(1, INSTANT_MS_MAX),
    actor,
  }).refine(({ opensAtMs, closesAtMs }) => closesAtMs > opensAtMs, {
    path: ['closesAtMs'],
    message: 'must be later than opensAt',
  }),
);
export type ScheduleSaleInput = TypeOf<typeof scheduleSaleInput>;

/** The command schedule-sale. @throws {InvalidCommand} */
export function readScheduleSale(input: ScheduleSaleInput): ScheduleSale {
  const {
    saleId,
    sku,
    opensAtMs,
    closesAtMs,
    quantity,
    limitPerCustomer = 0,
    actor = ACTOR_DEFAULT,
  } = scheduleSaleInput.read(input);
  return { kind: 'schedule-sale', saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, actor };
}

export const closeSaleInput = declare(strict({ saleId, actor }));
export type CloseSaleInput = TypeOf<typeof closeSaleInput>;

/** The command close-sale. @throws {InvalidCommand} */
export function readCloseSale(input: CloseSaleInput): CloseSale {
  const { saleId, actor = ACTOR_DEFAULT } = closeSaleInput.read(input);
  return { kind: 'close-sale', saleId, actor };
}
