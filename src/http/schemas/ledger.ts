/** Shapes of what the ledger remembers: its entries, and what the last comparison came to. */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { id, orderId, sku, warehouse } from '../../domain/inputs/fields.ts';
import { EVENT_TYPES, RELEASE_CAUSES } from '../../domain/language.ts';
import { next, page, time, units } from '../schemas.ts';

export const ledgerQuery = strict({
  sku: sku.optional(),
  warehouse: warehouse.optional(),
  orderId: orderId.optional(),
  movementId: id('The movement.', 'M-1').optional(),
  transferId: id('The transfer.', 'T-1').optional(),
  stocktakeId: id('The count sheet.', 'COUNT-7').optional(),
  ...page,
});

const figures = z.object({ total: units, available: units, reserved: units, sold: units });
export const ledgerPage = z.object({
  entries: z.array(
    z.object({
      id: units.meta({ description: 'Grows with every entry.' }),
      type: z.enum(EVENT_TYPES),
      sku: z.string(),
      warehouse: z.string(),
      version: units.meta({ description: 'Of the item after it; versions are gapless.' }),
      quantity: units,
      before: figures,
      change: figures,
      after: figures,
      orderId: z.string().optional(),
      movementId: z.string().optional(),
      transferId: z.string().optional(),
      stocktakeId: z.string().optional(),
      cause: z.enum(RELEASE_CAUSES).optional().meta({ description: 'Why units returned.' }),
      expiresAt: time.optional().meta({ description: 'Until when units are held, or an item is locked.' }),
      safetyStock: units.optional().meta({ description: 'The line under which the alert fired.' }),
      actor: z.string(),
      reason: z.string().optional(),
      at: time,
    }),
  ),
  next,
});

const acknowledged = z
  .object({ by: z.string(), at: time, reason: z.string() })
  .nullable()
  .meta({ description: 'Who has looked at it; null where nobody has. Until then it counts as drift.' });
const place = units.nullable();

/** What is lost or went its own way. */
const history = z.object({
  forksOpen: units.meta({ description: 'Forks that nobody has acknowledged.' }),
  lostAcknowledgementsOpen: units.meta({
    description: 'Acknowledgements that the ledger does not have and nobody has looked at.',
  }),
  forks: z
    .array(
      z.object({
        id: units,
        kind: z.enum(['redis-went-back', 'redis-forked', 'ledger-went-back']),
        foundAt: time,
        atSequence: place.meta({
          description: 'Of the last batch that both histories have; null if unknown.',
        }),
        redisSequence: units,
        ledgerSequence: units,
        detail: z.string(),
        entries: units.meta({ description: 'Batches of the other history that are kept.' }),
        orders: z.array(z.string()).meta({ description: 'Orders in the first of them.' }),
        acknowledged,
      }),
    )
    .meta({ description: "Histories that Redis had beside the ledger's; the newest." }),
  lostAcknowledgements: z
    .array(
      z.object({
        kind: z.enum(['order', 'movement', 'transfer', 'stocktake', 'sale']),
        id: z.string(),
        epoch: units,
        sequence: units,
        reportedAt: time,
        source: z.string().meta({ description: 'The process that had acknowledged it.' }),
        acknowledged,
      }),
    )
    .meta({ description: 'What was acknowledged and is gone; the newest reports.' }),
  epochs: z
    .array(
      z.object({
        number: units,
        how: z.enum(['verified', 'rebuilt', 'person', 'imported']),
        madeAt: time,
        openedAt: time.nullable().meta({ description: 'Null where Redis was not opened under it.' }),
        firstSequence: place.meta({ description: 'Where Redis stood when it was opened.' }),
        actor: z.string().optional(),
        reason: z.string().optional(),
        lostFrom: units.optional(),
        lostTo: units.optional().meta({
          description:
            'Batches that were seen before it and are gone. The list of what they were may be incomplete.',
        }),
      }),
    )
    .meta({ description: 'Each time the partition was opened; the newest.' }),
});

export const reconciliation = z.object({
  history,
  last: z
    .object({
      verdict: z.enum(['agree', 'drift', 'incomplete']),
      reason: z.string().optional().meta({ description: 'Why it is incomplete.' }),
      startedAt: time,
      finishedAt: time,
      itemsCompared: units,
      holdsCompared: units,
      findingsTotal: units,
      findings: z.array(z.record(z.string(), z.unknown())).meta({
        description:
          'The first of them: kind, item, version, what each side says, and the difference in words.',
      }),
    })
    .nullable()
    .meta({ description: 'The last comparison of hot path and ledger; null before the first one.' }),
  worker: z.object({
    isRunning: z.boolean(),
    committedAt: time.nullable().meta({ description: 'When the worker last committed.' }),
    backlogEvents: units
      .nullable()
      .meta({ description: 'Events the ledger has not taken over yet, as of the last answer of Redis.' }),
  }),
});
