/**
 * Signs messages as Standard Webhooks 1.0.0 says (symmetric, `v1`): HMAC-SHA256 over `id.timestamp.body`.
 * Refuses to know: where secrets are kept, and what a message says.
 */
import { strict as assert } from 'node:assert';
import { createHmac } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';

export interface WebhookMessage {
  /** The same on every attempt; without a full stop, which separates the signed parts. */
  readonly id: string;
  /** Of the attempt. */
  readonly timestampSeconds: number;
  /** Exactly the bytes that are sent, as text. */
  readonly body: string;
}

/** The header `webhook-signature`: one signature for each secret, so that a receiver may know the old or the new one. */
export function signatures(message: WebhookMessage, secrets: readonly string[]): string {
  assert(secrets.length > 0 && !message.id.includes('.'), 'a message is signed, and its id has no full stop');
  const signed = `${message.id}.${message.timestampSeconds}.${message.body}`;
  return secrets
    .map((secret) => {
      assert(secret.startsWith(SECRET_PREFIX), 'a secret of a webhook begins with its prefix');
      const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
      return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
    })
    .join(' ');
}
