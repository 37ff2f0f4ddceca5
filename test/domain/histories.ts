/**
 * Random histories of a small shop, with all commands, for properties of the model, of the engine, and of both together;
 * and the command of each step. The steps themselves are made in random-commands.ts.
 */
import fc from 'fast-check';
import { rankWarehouses, type Warehouse } from '../../src/domain/geography.ts';
import {
  readCancelStocktake,
  readCancelTransfer,
  readCloseSale,
  readCompleteStocktake,
  readDispatchTransfer,
  readMovement,
  readReceiveTransfer,
  readSafetyStock,
  readScheduleSale,
  readStartStocktake,
} from '../../src/domain/inputs/goods.ts';
import { readConfirm, readExtend, readRelease, readReserve } from '../../src/domain/inputs/orders.ts';
import { CANDIDATES_MAX, type Command, type MovementKind } from '../../src/domain/language.ts';
import { sometimesNasty, withNastyIds } from './ids.ts';
import { type RandomCommand, type Step, step } from './random-commands.ts';
import { START_MS, stockLine } from './sentences.ts';

export {
  differentOrder,
  type RandomCommand,
  randomCommand,
  rush,
  type Step,
  step,
} from './random-commands.ts';

/** Runs of each property; set the variable for more. */
export const HISTORIES = Number(process.env.HOLDFAST_TEST_HISTORIES ?? 200);

/** `north` has no coordinates. */
const PLAIN_PLACES: readonly Warehouse[] = [
  { id: 'east', name: 'East', latitude: 25, longitude: 121.5 },
  { id: 'north', name: 'North' },
  { id: 'west', name: 'West', latitude: 48.8, longitude: 2.3 },
];
export const PLACES: readonly Warehouse[] = [...PLAIN_PLACES, ...withNastyIds(PLAIN_PLACES)];

/** The first commands of every history: some stock, and a sale of a part of it. */
export const OPENING: readonly RandomCommand[] = [
  ...[
    'TEA@east=6',
    'TEA@west=4',
    'TEA@north=3',
    'RICE@east=5',
    'RICE@west=2',
    'SALT@east=1',
    'SALT@west=6',
  ].map((text, i): RandomCommand => {
    return { kind: 'receive', movementId: `opening-${i}`, ...stockLine(text), reason: '', actor: 'ops' };
  }),
  {
    kind: 'schedule-sale',
    saleId: 'sale-1',
    sku: 'TEA',
    opensAtMs: START_MS,
    closesAtMs: START_MS + 7_200_000,
    quantity: 4,
    limitPerCustomer: 2,
    actor: 'ops',
  },
  ...['TEA@east=2', 'RICE@east=1,TEA@west=1', 'SALT@west=2'].map((text, i): RandomCommand => {
    const lines = text.split(',').map(stockLine);
    const nothing = { customerId: undefined, saleId: undefined, allocation: undefined, shipTo: undefined };
    return {
      kind: 'reserve',
      orderId: `order-${i + 1}`,
      lines,
      holdSeconds: 1_800,
      ...nothing,
      actor: 'web',
    };
  }),
  {
    kind: 'start-stocktake',
    stocktakeId: 'count-1',
    sku: 'SALT',
    warehouse: 'west',
    leaseSeconds: 3_600,
    actor: 'ops',
  },
  {
    kind: 'dispatch-transfer',
    transferId: 'transfer-1',
    sku: 'TEA',
    from: 'north',
    to: 'east',
    quantity: 2,
    reason: '',
    actor: 'ops',
  },
];

/** The same with enough stock to serve all orders of a rush. */
export const PLENTY: readonly RandomCommand[] = OPENING.map((of) =>
  of.kind === 'receive' || of.kind === 'schedule-sale' ? { ...of, quantity: of.quantity * 20 } : of,
);

/** The opening and up to 60 random steps; some histories with ids that need an escape. */
export const history = sometimesNasty(
  // `max`, because fast-check prefers short lists, and in short histories little happens.
  fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }).map((steps): Step[] => [...OPENING, ...steps]),
);

/** The kinds whose input is that of a movement. */
export function isMovement(of: RandomCommand): of is Extract<RandomCommand, { kind: MovementKind }> {
  return 'movementId' in of;
}

export function commandOf(of: RandomCommand): Command {
  if (isMovement(of)) return readMovement(of.kind, of);
  switch (of.kind) {
    case 'reserve':
      return readReserve(of, (shipTo) => rankWarehouses(PLACES, shipTo, CANDIDATES_MAX));
    case 'confirm':
      return readConfirm(of);
    case 'release':
      return readRelease(of);
    case 'extend':
      return readExtend(of);
    case 'set-safety-stock':
      return readSafetyStock(of);
    case 'start-stocktake':
      return readStartStocktake(of);
    case 'complete-stocktake':
      return readCompleteStocktake(of);
    case 'cancel-stocktake':
      return readCancelStocktake(of);
    case 'dispatch-transfer':
      return readDispatchTransfer(of);
    case 'receive-transfer':
      return readReceiveTransfer(of);
    case 'cancel-transfer':
      return readCancelTransfer(of);
    case 'schedule-sale':
      return readScheduleSale(of);
    case 'close-sale':
      return readCloseSale(of);
  }
}
