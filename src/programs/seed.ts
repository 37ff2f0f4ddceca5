/**
 * A small catalogue for trying Holdfast out: three warehouses and a few articles.
 * Promises: receipts have fixed movement ids, so that seeding twice changes nothing (BR-006).
 */
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { Ledger } from '../ledger/ledger.ts';

const WAREHOUSES = [
  { id: 'TPE-1', name: 'Taipei', latitude: 25.0478, longitude: 121.5319 },
  { id: 'KHH-1', name: 'Kaohsiung', latitude: 22.6393, longitude: 120.3022 },
  { id: 'NRT-1', name: 'Narita', latitude: 35.772, longitude: 140.3929 },
];

const OPENING_STOCK = [
  ['TSHIRT-BLACK-M', 'TPE-1', 120],
  ['TSHIRT-BLACK-M', 'KHH-1', 80],
  ['TSHIRT-WHITE-L', 'TPE-1', 200],
  ['SNEAKER-42', 'TPE-1', 40],
  ['SNEAKER-42', 'NRT-1', 60],
  ['HEADPHONES-PRO', 'NRT-1', 25],
  ['PHONE-15-256', 'TPE-1', 10],
  ['GIFT-CARD', 'KHH-1', 10_000],
] as const;

const SAFETY_STOCK = [
  ['PHONE-15-256', 'TPE-1', 3],
  ['HEADPHONES-PRO', 'NRT-1', 5],
] as const;

const ACTOR = 'seed';

/** Seeds an empty ledger. @returns false where the ledger has items already */
export async function seedCatalogue(hot: HotInventory, ledger: Ledger): Promise<boolean> {
  if ((await ledger.read.items(undefined, 1)).length > 0) return false;
  for (const warehouse of WAREHOUSES) {
    await ledger.putWarehouse(warehouse);
    await hot.places.put(warehouse);
  }
  for (const [sku, warehouse, quantity] of OPENING_STOCK) {
    const movementId = `seed-${sku}-${warehouse}`;
    await hot.receive({ movementId, sku, warehouse, quantity, reason: 'opening stock', actor: ACTOR });
  }
  for (const [sku, warehouse, quantity] of SAFETY_STOCK) {
    await hot.setSafetyStock({ sku, warehouse, quantity, actor: ACTOR });
  }
  return true;
}
