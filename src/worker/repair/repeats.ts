/**
 * Takes back what was moved twice because its id was used again after the hot path had forgotten it (BR-006; the finding is
 * made in carry/reused-ids.ts). A repeat of a receipt is issued, one of an issue received, a repeated dispatch cancelled: by
 * commands through the hot path, so that every rule applies to them, with an id made of the finding's number.
 * Promises: safe to repeat, whoever died where: the finding stays open until the ledger has the command. What cannot be done
 * now (the units are sold, a count locks the item) is tried again with the next call.
 */
import type { Logger } from 'pino';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { OpenRepeat } from '../../ledger/read/parked.ts';

/** What taking back works with. */
export interface RepeatParts {
  readonly hot: Pick<HotInventory, 'move' | 'transfer' | 'cancelTransfer'>;
  readonly ledger: Pick<Ledger, 'openRepeats' | 'resolveFinding' | 'knownMovements'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

const REPEATS_MAX = 100;
const ACTOR = 'holdfast';

/** Takes back the oldest open repeats. @returns how many commands were sent, which the ledger has later @throws an outage of a store; the next call goes on */
export async function takeBackRepeats(parts: RepeatParts): Promise<number> {
  let sent = 0;
  for (const repeat of await parts.ledger.openRepeats(REPEATS_MAX)) {
    const outcome = await takeBack(parts, repeat);
    if (outcome === 'settled') await parts.ledger.resolveFinding(repeat.id);
    else if (outcome === 'sent') sent++;
    else {
      parts.log.warn(
        { finding: repeat.id, ...repeat.takeBack },
        `a repeat cannot be taken back yet: ${outcome}`,
      );
    }
  }
  return sent;
}

/** `settled`: the ledger has it; `sent`: it will; otherwise why it cannot be done now. */
async function takeBack({ hot, ledger, log }: RepeatParts, { id, takeBack }: OpenRepeat): Promise<string> {
  if (takeBack.by === 'cancel-transfer') {
    const { id: transferId } = takeBack;
    const found = await hot.transfer(transferId);
    // Ended or used since: then it is a transfer like any other.
    if (found.outcome === 'refused')
      return found.refusal.code === 'unknown-transfer' ? 'settled' : found.refusal.code;
    const { status, received, rejected } = found.value;
    if (status !== 'IN_TRANSIT' || received + rejected > 0) return 'settled';
    const cancelled = await hot.cancelTransfer({ transferId, actor: ACTOR });
    if (cancelled.outcome === 'refused') return cancelled.refusal.code;
    log.info({ transferId }, 'a repeated dispatch was cancelled');
    return 'sent';
  }
  const movementId = `holdfast-repeat-${id}`;
  if ((await ledger.knownMovements([movementId])).length > 0) return 'settled';
  const { by, sku, warehouse, quantity } = takeBack;
  const reason = `a movement was repeated after its tombstone and counts once: finding ${id}`;
  const moved = await hot.move(by, { movementId, sku, warehouse, quantity, reason, actor: ACTOR });
  if (moved.outcome === 'refused') return moved.refusal.code;
  log.info(
    { movementId, sku, warehouse, quantity, repeated: takeBack.id },
    `a repeat was taken back by ${by}`,
  );
  return 'sent';
}
