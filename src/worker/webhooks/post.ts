/**
 * One POST to a stranger. Promises: a connection of its own, no redirect followed, no more of the answer read than is worth
 * keeping, and an end when the signal says so. Refuses to know: what is sent, and whether it is tried again.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Enough to see what a receiver complains about. */
export const ANSWER_BYTES_MAX = 4 * 1_024;

export interface PostAnswer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
  /** What `Retry-After` asks for, where it does so in seconds. */
  readonly retryAfterMs: number | undefined;
}

/** @throws where no answer came: the network's error, or the reason of the signal */
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
        // A receiver is called seldom: a connection kept for it would mostly be found broken.
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

/** The status is what counts: a body that breaks off does not take the answer back. */
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
