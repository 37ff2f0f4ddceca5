/** Words for alerts, and for the webhooks that carry them. */
import { JSON_TYPE, type ProblemWords, URL } from '../problem-words.ts';

const LIST_WEBHOOKS = `curl ${URL}/v1/webhooks`;
const PUT_WEBHOOK = `curl -X PUT ${URL}/v1/webhooks/replenishment ${JSON_TYPE} -d '{"url":"https://example.org/alerts"}'`;

export const ALERT_WORDS = {
  'unknown-alert': {
    title: 'No such alert',
    cause: 'The ledger has no low-stock alert of this number, or has not heard of it yet.',
    remedy: 'Look it up in the list.',
    curl: `curl '${URL}/v1/alerts?state=open'`,
  },
  'unknown-webhook': {
    title: 'No such webhook',
    cause: 'No webhook was set under this id.',
    remedy: 'Check the id, or set it.',
    curl: LIST_WEBHOOKS,
  },
  'unknown-delivery': {
    title: 'No such delivery',
    cause: 'This webhook has no delivery of this number, or it was settled a month ago and forgotten.',
    remedy: 'Look it up in the list.',
    curl: `curl ${URL}/v1/webhooks/replenishment/deliveries`,
  },
  'webhook-disabled': {
    title: 'The webhook is disabled',
    cause: 'Somebody disabled it, or its receiver answered 410. Nothing is sent to it.',
    remedy: 'Set it again with its url, and then have the delivery sent.',
    curl: PUT_WEBHOOK,
  },
  'too-many-webhooks': {
    title: 'There are too many webhooks',
    cause: 'Every alert is sent to every webhook, so their number is limited; disabled ones count.',
    remedy: 'Set one that is no longer needed to the new url, under its own id.',
    curl: LIST_WEBHOOKS,
    members: { limit: 'How many there may be.' },
  },
} as const satisfies Record<string, ProblemWords>;
