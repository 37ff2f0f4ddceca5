/** What the process of the engine is told (seller-process.ts), and the names of what it sells. */
import type { ChildProcess } from 'node:child_process';
import { ask } from '../child.ts';
import { SKU } from '../hot-sku.ts';
import { skuNames } from '../peers/peer.ts';

/** `sell` and `confirm` mean the orders that were made ready last. */
export type Told =
  | { readonly open: { readonly redisUrl: string; readonly partitions: number; readonly skus: number } }
  | { readonly prepare: number; readonly holdSeconds?: number | undefined }
  | 'receive'
  | 'sell'
  | 'confirm'
  | 'close';

export async function tellSeller(seller: ChildProcess, told: Told): Promise<void> {
  await ask(seller, told);
}

/** One SKU is the hot one, whose name is as long as such names are. */
export function namesOf(count: number): string[] {
  return count === 1 ? [SKU] : skuNames(count);
}
