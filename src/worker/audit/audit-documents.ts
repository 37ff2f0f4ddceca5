/**
 * Transfers in transit and the figures of sales compared, as holds are: what changes while it is looked at is alive. A
 * sale in full rush never stands still; its figures are compared at the very batch they were read after, where the audit
 * adds up entries, and left alone where it does not.
 */
import { encodeId, SALE_AFTERLIFE_SECONDS } from '../../domain/language.ts';
import { decodeSaleView, encodeSale, saleField } from '../../hotpath/codec/sale-codec.ts';
import { encodeTransfer } from '../../hotpath/codec/transfer-codec.ts';
import type { SaleDocument } from '../../ledger/write/documents.ts';
import { AUDIT_PAGE, type Auditor, Incomplete, LOOKS_MAX, readable } from './auditor.ts';

/** Transfers in transit, from both sides. */
export async function compareTransfers(auditor: Auditor): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  let after: number | undefined;
  do {
    const { transfers, next } = await ledger.transfers.page({
      status: 'IN_TRANSIT',
      after,
      limit: AUDIT_PAGE,
    });
    const pipeline = redis.pipeline();
    for (const { transferId } of transfers) pipeline.get(keys.transfer(transferId));
    const texts = (await pipeline.exec()) ?? [];
    for (const [i, transfer] of transfers.entries()) {
      auditor.documents++;
      if (encodeTransfer(transfer) !== texts[i]?.[1]) await lookAtTransfer(auditor, transfer.transferId);
    }
    auditor.reportOrAbort();
    after = next ?? undefined;
  } while (after !== undefined);
  for await (const transferIds of auditor.scan(keys.transfer(''))) {
    const texts = await redis.mget(...transferIds.map((transferId) => keys.transfer(transferId)));
    const open = transferIds.filter((_, i) => texts[i]?.startsWith('IN_TRANSIT '));
    const known = new Set((await ledger.loadTransfers(open)).map(({ transferId }) => transferId));
    for (const transferId of open) if (!known.has(transferId)) await lookAtTransfer(auditor, transferId);
  }
}

async function lookAtTransfer(auditor: Auditor, transferId: string): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = await redis.get(keys.transfer(transferId));
    await auditor.catchUp();
    const transfer = await ledger.transfers.one(transferId);
    const after = await redis.get(keys.transfer(transferId));
    if (before !== after) continue;
    // A closed transfer leaves Redis when its tombstone ends; only one in transit must be there.
    const isSame = transfer ? encodeTransfer(transfer) === after : after === null;
    if (isSame || (after === null && transfer?.status !== 'IN_TRANSIT')) return;
    const { sku = '', from: warehouse = '' } = transfer ?? {};
    const inLedger = transfer ? encodeTransfer(transfer) : 'nothing';
    const detail = `transfer ${transferId}: ${after ?? 'nothing'} in the hot path, ${inLedger} in the ledger`;
    auditor.addFinding({ kind: 'transfer', sku, warehouse, version: 0, detail });
    return;
  }
}

/** Sales of which the hot path still keeps the figures. */
export async function compareSales(auditor: Auditor): Promise<void> {
  const { ledger } = auditor.parts;
  for (const sale of await ledger.sales.closingSince(Date.now() - SALE_AFTERLIFE_SECONDS * 1_000)) {
    auditor.documents++;
    if (auditor.options.withEntries) await compareAllFigures(auditor, sale);
    else await compareHeld(auditor, sale);
    auditor.reportOrAbort();
  }
}

function findSale(auditor: Auditor, { saleId, sku }: SaleDocument, hot: string | null, ledger: string): void {
  const detail = `sale ${saleId}: ${hot ?? 'nothing'} in the hot path, ${ledger} in the ledger`;
  auditor.addFinding({ kind: 'sale', sku, warehouse: '', version: 0, detail });
}

/** Units held, which is what a sale must not lose sight of. */
async function compareHeld(auditor: Auditor, sale: SaleDocument): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  const read = () => redis.hget(keys.sku(sale.sku), saleField(sale.saleId));
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = await read();
    await auditor.catchUp();
    const held = await ledger.sales.held(sale);
    const after = await read();
    // Each step of an order in the sale moves one of its figures, so equal texts mean that there was none between.
    if (before !== after) continue;
    const hot = readable(() => decodeSaleView(sale.saleId, `${encodeId(sale.sku)} ${after}`, 0));
    if (hot?.reserved !== held) findSale(auditor, sale, after, `${held} units held`);
    return;
  }
}

/** All figures, with the entries up to the batch behind which Redis was read: exact under any load. */
async function compareAllFigures(auditor: Auditor, sale: SaleDocument): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  const read = redis.multi().hget(keys.sku(sale.sku), saleField(sale.saleId)).get(keys.control);
  const [[, text] = [], [, control] = []] = (await read.exec()) ?? [];
  await auditor.catchUp();
  const [epoch, sequence] = String(control).split(' ').map(Number);
  if (epoch !== auditor.epoch) throw new Incomplete('the partition was rebuilt meanwhile');
  const { held: reserved, ...figures } = await ledger.sales.figures(sale, { epoch, sequence: sequence ?? 0 });
  // Somebody may have closed it since this list of sales was made.
  const closedSince = sale.closedAtMs ?? (await ledger.sales.one(sale.saleId))?.closedAtMs;
  const closesAt = sale.closedAtMs === undefined ? [sale.closesAtMs, closedSince] : [closedSince];
  const texts = closesAt.flatMap((closesAtMs) =>
    closesAtMs === undefined ? [] : encodeSale({ ...sale, closesAtMs, reserved, ...figures }),
  );
  if (typeof text !== 'string' || !texts.includes(text)) {
    findSale(auditor, sale, typeof text === 'string' ? text : null, texts[0] ?? 'nothing');
  }
}
