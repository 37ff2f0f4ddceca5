/**
 * Compares transfers in transit and the figures of sales, in the way of audit-holds.ts. The figures of a busy sale always
 * change: where the audit adds up entries, they are compared as of the batch after which Redis was read; otherwise only
 * the units held are.
 */
import { encodeId, SALE_AFTERLIFE_SECONDS } from '../../domain/language.ts';
import { decodeControl } from '../../hotpath/codec/control-codec.ts';
import { decodeSaleView, encodeSale, saleField } from '../../hotpath/codec/sale-codec.ts';
import { encodeTransfer } from '../../hotpath/codec/transfer-codec.ts';
import type { SaleDocument } from '../../ledger/write/documents.ts';
import { AUDIT_PAGE, type Auditor, Incomplete, LOOKS_MAX, readable } from './auditor.ts';

/** Compares every transfer in transit, from both sides. @throws {Incomplete} */
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
      if (encodeTransfer(transfer) !== texts[i]?.[1]) await recheckTransfer(auditor, transfer.transferId);
    }
    auditor.reportOrAbort();
    after = next ?? undefined;
  } while (after !== undefined);
  for await (const transferIds of auditor.scan(keys.transfer(''))) {
    const texts = await redis.mget(...transferIds.map((transferId) => keys.transfer(transferId)));
    const open = transferIds.filter((_, i) => texts[i]?.startsWith('IN_TRANSIT '));
    const known = new Set((await ledger.loadTransfers(open)).map(({ transferId }) => transferId));
    for (const transferId of open) if (!known.has(transferId)) await recheckTransfer(auditor, transferId);
  }
}

async function recheckTransfer(auditor: Auditor, transferId: string): Promise<void> {
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

/** Compares the sales whose figures the hot path still keeps. @throws {Incomplete} */
export async function compareSales(auditor: Auditor): Promise<void> {
  const { ledger } = auditor.parts;
  for (const sale of await ledger.sales.closingSince(Date.now() - SALE_AFTERLIFE_SECONDS * 1_000)) {
    auditor.documents++;
    if (auditor.options.withEntries) await compareAllFigures(auditor, sale);
    else await compareHeld(auditor, sale);
    auditor.reportOrAbort();
  }
}

function addSaleFinding(
  auditor: Auditor,
  { saleId, sku }: SaleDocument,
  hot: string | null,
  ledger: string,
): void {
  const detail = `sale ${saleId}: ${hot ?? 'nothing'} in the hot path, ${ledger} in the ledger`;
  auditor.addFinding({ kind: 'sale', sku, warehouse: '', version: 0, detail });
}

/** Compares the units held. */
async function compareHeld(auditor: Auditor, sale: SaleDocument): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  const read = () => redis.hget(keys.sku(sale.sku), saleField(sale.saleId));
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = await read();
    await auditor.catchUp();
    const held = await ledger.sales.held(sale);
    const after = await read();
    // Each step of an order changes a figure of its sale, so equal texts mean that there was none in between.
    if (before !== after) continue;
    const hot = readable(() => decodeSaleView(sale.saleId, `${encodeId(sale.sku)} ${after}`, 0));
    if (hot?.reserved !== held) addSaleFinding(auditor, sale, after, `${held} units held`);
    return;
  }
}

/** Compares all figures with the entries up to the batch after which Redis was read: exact under any load. */
async function compareAllFigures(auditor: Auditor, sale: SaleDocument): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  const read = redis.multi().hget(keys.sku(sale.sku), saleField(sale.saleId)).get(keys.control);
  const [[, text] = [], [, control] = []] = (await read.exec()) ?? [];
  await auditor.catchUp();
  const { epoch, sequence } = decodeControl(String(control));
  if (epoch.nonce !== auditor.nonce) throw new Incomplete('the partition was opened anew meanwhile');
  const { held: reserved, ...figures } = await ledger.sales.figures(sale, { epoch: epoch.number, sequence });
  // It may have been closed since this list of sales was read.
  const closedSince = sale.closedAtMs ?? (await ledger.sales.one(sale.saleId))?.closedAtMs;
  const closesAt = sale.closedAtMs === undefined ? [sale.closesAtMs, closedSince] : [closedSince];
  const texts = closesAt.flatMap((closesAtMs) =>
    closesAtMs === undefined ? [] : encodeSale({ ...sale, closesAtMs, reserved, ...figures }),
  );
  if (typeof text !== 'string' || !texts.includes(text)) {
    addSaleFinding(auditor, sale, typeof text === 'string' ? text : null, texts[0] ?? 'nothing');
  }
}
