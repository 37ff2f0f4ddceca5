/**
 * Holdfast as a library: the engine for a program that decides orders without HTTP, and the words it speaks.
 */
export * from './domain/language.ts';
export type {
  ConfirmInput,
  ExtendInput,
  Issue,
  ReleaseInput,
  ReserveInput,
} from './domain/validate.ts';
export { InvalidCommand } from './domain/validate.ts';
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
} from './domain/validate-stock.ts';
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
