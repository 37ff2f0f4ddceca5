/**
 * Holdfast as a library: the engine, for programs that reserve stock without HTTP, and the types of its commands and
 * answers.
 *
 * @example
 * const hot = await openHotInventory({ redisUrl: 'redis://127.0.0.1:6379' });
 * const decision = await hot.reserve({ orderId: 'A-1001', lines: [{ sku: 'TEA-1', quantity: 2 }], holdSeconds: 1_800 });
 * if (decision.outcome === 'refused') console.log(decision.refusal.code);
 * await hot.close();
 */

export { InvalidCommand, type Issue } from './domain/inputs/declare.ts';
export type {
  CancelStocktakeInput,
  CancelTransferInput,
  CloseSaleInput,
  CompleteStocktakeInput,
  DispatchTransferInput,
  MovementInput,
  ReceiveTransferInput,
  SafetyStockInput,
  ScheduleSaleInput,
  StartStocktakeInput,
} from './domain/inputs/goods.ts';
export type { ConfirmInput, ExtendInput, ReleaseInput, ReserveInput } from './domain/inputs/orders.ts';
export * from './domain/language.ts';
export type { BatchHead } from './hotpath/batcher.ts';
export { Fault, type FaultCode, type FaultOutcome } from './hotpath/fault.ts';
export {
  BATCH_LIMITS_DEFAULT,
  type BatchLimits,
  type HotInventory,
  type HotInventoryOptions,
  openHotInventory,
  type SkuView,
} from './hotpath/hot-inventory.ts';
export { type AckLevel, WrongRedisSettings } from './hotpath/redis-check.ts';
