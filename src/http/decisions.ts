/**
 * Translates what the inventory decided into answers: done as a body, refused as a problem with its figures in words.
 * Promises: every refusal of the domain has its answer here. Refuses to know: routes.
 */
import type { Decision, Refusal } from '../domain/language.ts';
import { type Answer, type Problem, problem, REPEAT_LATER } from './answers.ts';
import { iso, reservationBody, transferBody } from './bodies.ts';

/** @param firstStatus of an answer that is none of an earlier try */
export function decided<T>(
  decision: Decision<T>,
  firstStatus: 200 | 201,
  write: (value: T) => object,
): Answer {
  if (decision.outcome === 'refused') return refused(decision.refusal);
  const { value, replayed } = decision;
  return { status: replayed ? 200 : firstStatus, body: write(value), replayed };
}

const NAMED_MAX = 3;
const NOTHING_HAPPENED = { outcome: 'nothing-happened', advice: REPEAT_LATER };

/** "a, b, c and 4 more". */
function few(texts: readonly string[]): string {
  const rest = texts.length - NAMED_MAX;
  return rest > 0 ? `${texts.slice(0, NAMED_MAX).join(', ')} and ${rest} more` : texts.join(', ');
}

function named(item: { readonly sku: string; readonly warehouse?: string | undefined }): string {
  return item.warehouse === undefined ? item.sku : `${item.sku} in ${item.warehouse}`;
}

/** An expected no of the domain. */
export function refused(refusal: Refusal): Problem {
  const { code } = refusal;
  switch (code) {
    // Orders
    case 'insufficient-stock':
    case 'paid-but-short': {
      const { shortages } = refusal;
      const texts = shortages.map(
        (line) => `${named(line)}: ${line.requested} asked for, ${line.available} available`,
      );
      const end = code === 'paid-but-short' ? 'Nothing was taken; people are told.' : 'Nothing was changed.';
      return problem(code, `${few(texts)}. ${end}`, { shortages });
    }
    case 'unknown-item':
      return problem(code, `Not known: ${few(refusal.items.map(named))}.`, { items: refusal.items });
    case 'order-conflict':
      return problem(code, 'This order id was reserved with other content.');
    case 'unknown-reservation':
      return problem(code, 'No reservation under this order id.');
    case 'reservation-expired':
    case 'already-released':
    case 'already-confirmed': {
      const reservation = reservationBody(refusal.reservation);
      const since = reservation.resolvedAt ?? reservation.expiresAt;
      return problem(code, `Order ${reservation.orderId} is ${reservation.status} since ${since}.`, {
        reservation,
      });
    }
    case 'exceeds-reservation': {
      const texts = refusal.excess.map((line) => `${line.sku}: ${line.requested} named, ${line.held} held`);
      return problem(code, `${few(texts)}. Nothing was changed.`, { excess: refusal.excess });
    }
    case 'lifetime-exceeded': {
      const latestExpiresAt = iso(refusal.latestExpiresAtMs);
      return problem(code, `It can be extended to ${latestExpiresAt} at the latest.`, { latestExpiresAt });
    }
    case 'too-many-partial-releases':
      return problem(code, 'Release all that is left instead.');
    // Movements
    case 'movement-conflict':
      return problem(code, 'This movement id was used with other content.');
    case 'quantity-limit-exceeded':
      return problem(code, `The item has ${refusal.total} units already.`, { total: refusal.total });
    case 'exceeds-sold':
      return problem(code, `${refusal.sold} units are sold and not shipped.`, { sold: refusal.sold });
    case 'version-conflict':
      return problem(code, `The item is at version ${refusal.version}.`, { version: refusal.version });
    // Stocktakes
    case 'stocktake-in-progress': {
      const items = refusal.items.map(({ untilMs, ...item }) => ({ ...item, until: iso(untilMs) }));
      const texts = items.map((item) => `${named(item)} by ${item.stocktakeId} until ${item.until}`);
      return problem(code, `Being counted: ${few(texts)}.`, { items });
    }
    case 'unknown-stocktake':
      return problem(code, 'No count of this item under this id.');
    case 'stocktake-ended':
      return problem(code, `The count of this item is ${refusal.status}.`, { countStatus: refusal.status });
    case 'stocktake-full':
      return problem(code, 'Count the rest under another id.');
    case 'count-below-committed': {
      const { counted, reserved, sold } = refusal;
      return problem(code, `${counted} counted, but ${reserved} are held and ${sold} sold.`, {
        counted,
        reserved,
        sold,
      });
    }
    // Transfers
    case 'unknown-transfer':
      return problem(code, 'No transfer under this id.');
    case 'transfer-conflict':
      return problem(code, 'This transfer id was used with other content.');
    case 'transfer-ended': {
      const transfer = transferBody(refusal.transfer);
      return problem(code, `Transfer ${transfer.transferId} is ${transfer.status}.`, { transfer });
    }
    case 'exceeds-transit':
      return problem(code, `${refusal.inTransit} units are on their way.`, { inTransit: refusal.inTransit });
    case 'too-many-receipts':
      return problem(code, 'Receive all that is left at once, or cancel it.');
    // Flash sales
    case 'unknown-sale':
      return problem(code, 'No sale under this id.');
    case 'sale-conflict':
      return problem(code, 'This sale id was used with other content.');
    case 'too-many-sales':
      return problem(code, 'Close a sale of this SKU, or wait until one is over.');
    case 'sale-not-open': {
      const opensAt = iso(refusal.opensAtMs);
      return problem(code, `It opens at ${opensAt}. Nothing was reserved.`, { opensAt });
    }
    case 'sale-closed': {
      const closesAt = iso(refusal.closesAtMs);
      return problem(code, `It closed at ${closesAt}. Nothing was reserved.`, { closesAt });
    }
    case 'customer-required':
      return problem(code, 'This sale has a limit per customer: send customerId.');
    case 'purchase-limit-exceeded': {
      const { limit, held, bought } = refusal;
      const detail = `A customer may have ${limit}; this one holds ${held} and has bought ${bought}.`;
      return problem(code, `${detail} Nothing was reserved.`, { limit, held, bought });
    }
    // Not now
    case 'ledger-backlog':
      return problem(code, 'Nothing new is promised until the ledger has caught up.', NOTHING_HAPPENED);
    case 'quarantined': {
      const { items } = refusal;
      const what =
        items.length > 0 ? `Set apart: ${few(items.map(named))}.` : 'The reservation is set apart.';
      return problem(code, what, { items, ...NOTHING_HAPPENED });
    }
    default: {
      const never: never = code;
      throw new Error(`a refusal without an answer: ${String(never)}`);
    }
  }
}
