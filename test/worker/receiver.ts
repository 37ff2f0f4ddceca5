/**
 * A receiver of webhooks as somebody else would write it, from the words of Standard Webhooks: it keeps what comes, and
 * answers as a test wants. It shares no code with the sender.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly id: string;
  readonly timestamp: number;
  readonly signature: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** Does what it wants with the answer; one that does nothing hangs. */
export type Answering = (response: ServerResponse, received: Received, count: number) => void;

export interface Receiver {
  readonly url: string;
  /** In the order in which they came, refused ones as well. */
  readonly received: readonly Received[];
  /** Answers from now on in another way. */
  answer(answering: Answering): void;
  close(): Promise<void>;
}

export const ok: Answering = (response) => {
  response.writeHead(204).end();
};

export const status =
  (code: number, body = '', headers: Record<string, string> = {}): Answering =>
  (response) => {
    response.writeHead(code, headers).end(body);
  };

export async function openReceiver(answering: Answering = ok): Promise<Receiver> {
  const received: Received[] = [];
  let answers = answering;
  const server = createServer((request, response) => {
    response.on('error', () => {});
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const header = (name: string) => String(request.headers[name] ?? '');
      const one: Received = {
        path: request.url ?? '',
        id: header('webhook-id'),
        timestamp: Number(header('webhook-timestamp')),
        signature: header('webhook-signature'),
        body: Buffer.concat(parts).toString('utf8'),
        headers: request.headers,
      };
      received.push(one);
      answers(response, one, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: (next) => {
      answers = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** As the specification has it: one of the signatures is ours, and the message is not older than five minutes. */
export function isGenuine(message: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key)
    .update(`${message.id}.${message.timestamp}.${message.body}`)
    .digest();
  const isFresh = Math.abs(Date.now() / 1_000 - message.timestamp) < 300;
  return (
    isFresh &&
    message.signature.split(' ').some((one) => {
      const [version, text = ''] = one.split(',');
      const given = Buffer.from(text, 'base64');
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
    })
  );
}
