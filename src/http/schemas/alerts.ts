/** Shapes of alerts, webhooks and deliveries. */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { id, oneOf, printable, sku, warehouse } from '../../domain/inputs/fields.ts';
import { REASON_LENGTH_MAX } from '../../domain/language.ts';
import type { AlertState } from '../../ledger/read/alerts.ts';
import type { DeliveryState } from '../../ledger/webhooks/deliveries.ts';
import { next, page, time, units } from '../schemas.ts';

const ALERT_STATES = ['open', 'acknowledged', 'all'] as const satisfies readonly AlertState[];
const DELIVERY_STATES = ['pending', 'delivered', 'gave-up'] as const satisfies readonly DeliveryState[];

// Requests -----------------------------------------------------------------------------------------------

const NUMBER_HINT = 'use its number';
/** In a path, so it stays text. */
function numberOf(what: string) {
  return z
    .string(NUMBER_HINT)
    .regex(/^[1-9][0-9]{0,14}$/, NUMBER_HINT)
    .meta({ description: what, examples: ['17'] });
}

export const alertsQuery = strict({
  sku: sku.optional(),
  warehouse: warehouse.optional(),
  state: oneOf(ALERT_STATES).default('all').meta({ description: '`open`: nobody has acknowledged it yet.' }),
  ...page,
});
export const alertParams = strict({ id: numberOf('The alert.') });

export const acknowledgeBody = strict({
  note: printable(0, REASON_LENGTH_MAX)
    .optional()
    .meta({ description: 'For colleagues.', examples: ['200 ordered, here on Friday'] }),
});

const webhookId = id('The webhook, named by the caller.', 'replenishment');
export const webhookParams = strict({ webhookId });
export const deliveryParams = strict({ webhookId, id: numberOf('The delivery.') });
export const deliveriesQuery = strict(page);

const URL_LENGTH_MAX = 2_000;
const URL_HINT = `use an http or https address of at most ${URL_LENGTH_MAX} characters, without user, password and fragment`;
// The host's letters leave out "@", so there is no room for a user and a password before it.
const WEB_ADDRESS = /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[A-Za-z0-9._~:[\]-]+([/?][!"$-~]*)?$/;
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const SECRET_HINT = `use whsec_ and ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes in base64`;

export const webhookBody = strict({
  url: z
    .string(URL_HINT)
    .max(URL_LENGTH_MAX, URL_HINT)
    .regex(WEB_ADDRESS, URL_HINT)
    .refine((text) => URL.canParse(text), URL_HINT)
    .meta({ description: 'Where alerts are posted to.', examples: ['https://example.org/alerts'] }),
  secret: z
    .string(SECRET_HINT)
    .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, SECRET_HINT)
    .refine(isSecret, SECRET_HINT)
    .optional()
    .meta({ description: 'What messages are signed with. Never shown again.' }),
});

function isSecret(text: string): boolean {
  const base64 = text.slice('whsec_'.length);
  const bytes = Buffer.from(base64, 'base64');
  const isWhole = bytes.toString('base64') === base64;
  return isWhole && bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX;
}

// Answers ------------------------------------------------------------------------------------------------

export const alert = z
  .object({
    id: units.meta({ description: 'Grows with every alert; the id of its entry in the ledger.' }),
    sku: z.string(),
    warehouse: z.string(),
    available: units.meta({ description: 'What was left when it fired.' }),
    safetyStock: units.meta({ description: 'The line it fell under.' }),
    version: units.meta({ description: 'Of the item.' }),
    at: time,
    acknowledgedAt: time.optional(),
    acknowledgedBy: z.string().optional(),
    note: z.string().optional(),
  })
  .meta({ description: 'Available fell under the safety stock (BR-005).' });
export const alertsPage = z.object({ alerts: z.array(alert), next });

export const webhook = z
  .object({
    webhookId: z.string(),
    url: z.string(),
    actor: z.string().meta({ description: 'Who set it last.' }),
    createdAt: time,
    updatedAt: time,
    disabledAt: time.optional(),
    disabledBy: z.string().optional().meta({ description: '`worker` where the receiver answered 410.' }),
    pending: units.meta({ description: 'Deliveries on their way.' }),
    gaveUp: units.meta({ description: 'Deliveries given up and not sent since.' }),
    secret: z.string().optional().meta({
      description: 'Only in the answer to the call that made it. Keep it: it is never shown again.',
    }),
  })
  .meta({ description: 'Where alerts are posted to.' });
export const webhooksPage = z.object({
  webhooks: z.array(webhook.omit({ secret: true })),
  next: z.null().meta({ description: 'There are never more than fit one page.' }),
});

export const delivery = z
  .object({
    id: units,
    messageId: z.string().meta({ description: 'What the receiver sees as `webhook-id`, on every attempt.' }),
    alertId: units,
    state: z.enum(DELIVERY_STATES),
    attempts: units,
    createdAt: time,
    lastAttemptAt: time.optional(),
    lastStatus: units.optional().meta({ description: 'Left out where no answer came.' }),
    lastAnswer: z
      .string()
      .optional()
      .meta({ description: 'The first 500 characters; where no answer came, why.' }),
    nextAttemptAt: time.optional().meta({ description: 'While it is pending.' }),
    settledAt: time.optional().meta({ description: 'When it was delivered or given up.' }),
  })
  .meta({ description: 'One alert on its way to one webhook.' });
export const deliveriesPage = z.object({ deliveries: z.array(delivery), next });
