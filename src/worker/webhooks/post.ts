/**
 * One POST to a receiver outside. Promises: a connection of its own, no redirect is followed, a bounded part of the answer
 * is read, and it ends when the signal aborts. Refuses to know: what is sent, and whether it is tried again.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** The most bytes of an answer that are kept: enough to see what a receiver rejects. */
export const ANSWER_BYTES_MAX = 4 * 1_024;

export interface PostAnswer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
  /** What `Retry-After` asks for, where it does so in seconds. */
  readonly retryAfterMs: number | undefined;
}

/** @throws where no answer came: the error of the network, or the reason of the signal */
export function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
    const send = url.toLowerCase().startsWith('https:') ? requestHttps : requestHttp;
    const request = send(
      url,
      {
        method: 'POST',
        // A receiver is called rarely: a connection that is kept would mostly be found closed.
        agent: false,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        signal,
      },
      (response) => {
        readBeginning(response).then((text) => {
          resolve({ status: response.statusCode ?? 0, text, retryAfterMs: retryAfterMs(response) });
          request.destroy();
        }, fail);
      },
    );
    request.on('error', fail);
    request.end(body);
  });
}

/** The status decides: a body that breaks off does not change it. */
async function readBeginning(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= ANSWER_BYTES_MAX) break;
    }
  } catch {
    // What came is all there is.
  }
  return Buffer.concat(parts).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
}

function retryAfterMs(response: IncomingMessage): number | undefined {
  const text = response.headers['retry-after'] ?? '';
  return /^[0-9]{1,9}$/.test(text) ? Number(text) * 1_000 : undefined;
}
