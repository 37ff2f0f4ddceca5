/**
 * An HTTP client of Holdfast with a bounded number of connections, which repeats a request where the outcome is unknown.
 * Promises: every call ends in time, with an answer or with the last failure.
 */
import { Agent, request } from 'node:http';

export interface ShopAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** From the first attempt to the answer. */
  readonly latencyMs: number;
  /** Attempts that ended in 503 or without an answer. */
  readonly repeats: number;
}

export interface ShopOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** How long a call is repeated while the server does not answer. */
  readonly giveUpAfterMs: number;
}

/** An attempt that takes longer is repeated. */
const TRY_MS_MAX = 10_000;
const RETRY_PAUSE_MS = 250;

/** A client with keep-alive connections; {@link close} it at the end. */
export class Shop {
  readonly #options: ShopOptions;
  readonly #agent: Agent;

  constructor(options: ShopOptions) {
    this.#options = options;
    const { connectionsMax } = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Opens this many connections, as an order service would have them open before a sale begins. */
  async warmUp(connections: number): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.get('/livez')));
  }

  /** Status 0: no answer until `giveUpAfterMs`. */
  get(path: string): Promise<ShopAnswer> {
    return this.#call('GET', path);
  }

  /** Sends JSON. Status 0: no answer until `giveUpAfterMs`. */
  post(path: string, body: unknown = {}): Promise<ShopAnswer> {
    return this.#call('POST', path, body);
  }

  async #call(method: string, path: string, body?: unknown): Promise<ShopAnswer> {
    const startedMs = performance.now();
    for (let repeats = 0; ; repeats++) {
      const answer = await this.#try(method, path, body).catch(() => ({ status: 0, body: {} }));
      const latencyMs = performance.now() - startedMs;
      const isOver = answer.status !== 0 && answer.status !== 503;
      if (isOver || latencyMs > this.#options.giveUpAfterMs) return { ...answer, latencyMs, repeats };
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
    }
  }

  #try(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers =
        text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const call = request(new URL(path, this.#options.url), {
        method,
        agent: this.#agent,
        headers,
        timeout: TRY_MS_MAX,
      });
      call.on('timeout', () => call.destroy(new Error('no answer in time')));
      call.on('error', reject);
      call.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          try {
            resolve({ status: response.statusCode ?? 0, body: answer ? JSON.parse(answer) : {} });
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      });
      call.end(text);
    });
  }
}
