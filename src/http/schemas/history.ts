/** Shapes of an item's history: its figures then, and what explains its figures. */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { EVENT_TYPES, RELEASE_CAUSES } from '../../domain/language.ts';
import { limit, time, units } from '../schemas.ts';
import { ledgerPage } from './ledger.ts';
import { item } from './stock.ts';

// Requests -----------------------------------------------------------------------------------------------

const TIME_HINT =
  'use a time with its zone by ISO 8601: 2025-11-11T00:00:00Z or 2025-11-11T08:00:00.000+08:00';
const isoTime = z.iso.datetime({ offset: true });
/** An address turns the "+" of a zone into a space; nothing else can be meant by it. */
const instant = z
  .string(TIME_HINT)
  .transform((text) => text.replace(/ (?=\d\d:\d\d$)/, '+'))
  .pipe(
    z
      .string()
      .refine((text) => isoTime.safeParse(text).success, TIME_HINT)
      .meta({ format: 'date-time', examples: ['2025-11-11T00:00:00Z'] }),
  );

function versionFrom(min: 0 | 1) {
  const hint = `use a whole number from ${min} on`;
  return z
    .string(hint)
    .regex(min === 0 ? /^(0|[1-9][0-9]{0,14})$/ : /^[1-9][0-9]{0,14}$/, hint)
    .transform(Number)
    .pipe(
      z
        .int()
        .min(min)
        .meta({ examples: [12] }),
    );
}

const moment = {
  at: instant.optional().meta({ description: 'As it stood at this time.' }),
  version: versionFrom(1).optional().meta({ description: 'As it stood at this version.' }),
};

export const asOfQuery = strict(moment)
  .refine(({ at, version }) => at !== undefined || version !== undefined, {
    path: ['at'],
    message: 'say when: give `at` or `version`',
  })
  .refine(isOneOf('at', 'version'), notBoth('at', 'version'));

export const explainQuery = strict({
  ...moment,
  since: instant.optional().meta({ description: 'Add up only what came after this time.' }),
  sinceVersion: versionFrom(0).optional().meta({ description: 'Add up only what came after this version.' }),
  limit: limit.meta({ description: 'Holds that are listed; all of them are counted.' }),
})
  .refine(isOneOf('at', 'version'), notBoth('at', 'version'))
  .refine(isOneOf('since', 'sinceVersion'), notBoth('since', 'sinceVersion'));

function isOneOf(one: string, other: string) {
  return (query: Readonly<Record<string, unknown>>) => query[one] === undefined || query[other] === undefined;
}

function notBoth(one: string, other: string) {
  return { path: [other], message: `give \`${one}\` or \`${other}\`, not both` };
}

// Answers ------------------------------------------------------------------------------------------------

const figures = { total: units, available: units, reserved: units, sold: units };
const entry = ledgerPage.shape.entries.element;

export const asOfAnswer = z.object({
  item,
  entry: entry.meta({ description: 'What brought it there.' }),
});

export const explanation = z.object({
  sku: z.string(),
  warehouse: z.string(),
  version: units.meta({ description: 'The version that is explained.' }),
  now: z
    .object({ ...figures, safetyStock: units })
    .meta({ description: 'The figures of this version: as the ledger has them now, or had them then.' }),
  entry: entry.optional().meta({ description: 'What brought the item to this version.' }),
  opening: z
    .object({ version: units, at: time.optional(), ...figures })
    .meta({ description: 'Where the sums begin: nothing at version 0, or the item as it stood at `since`.' }),
  sums: z
    .array(
      z.object({
        type: z.enum(EVENT_TYPES),
        cause: z.enum(RELEASE_CAUSES).optional(),
        entries: units,
        quantity: units.optional().meta({
          description:
            'Units the entries name; left out where they name a level, as a safety stock or a count.',
        }),
        totalChange: units,
        availableChange: units,
        reservedChange: units,
        soldChange: units,
      }),
    )
    .meta({ description: 'One for each kind of entry after the opening: opening and sums add up to `now`.' }),
  holds: z
    .object({
      count: units.meta({ description: 'Orders that hold units, listed here or not.' }),
      quantity: units.meta({ description: 'Their units, which come to `reserved`.' }),
      list: z.array(z.object({ orderId: z.string(), quantity: units, reservedAt: time, expiresAt: time })),
    })
    .meta({ description: 'Who holds the item; the latest deadlines first.' }),
  lock: z
    .object({ stocktakeId: z.string(), until: time })
    .optional()
    .meta({ description: 'While it is counted (BR-007).' }),
  check: z
    .object({ matches: z.boolean(), text: z.string() })
    .meta({ description: 'Whether all of this comes to the figures, in one sentence as well.' }),
});
