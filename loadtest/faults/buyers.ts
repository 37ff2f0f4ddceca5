/**
 * Buyers over HTTP, each with a record of what it was told. They ask both APIs in turn, and an order whose outcome they do not know is
 * repeated under the same id until they know it.
 * Promises: an answer counts as an acknowledgement only where it arrived whole; the record is written before the next request.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from './chance.ts';

/** What the buyers were told of one order, and when (`performance.now()`). */
export interface Told {
  readonly orderId: string;
  reservedAtMs?: number;
  confirmedAtMs?: number;
  releasedAtMs?: number;
  /** It was acknowledged, and later nobody knew it. */
  goneAtMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A request without an answer after this time is repeated. */
const TRY_MS_MAX = 2_000;
const RETRY_PAUSE_MS = 50;
const CONNECTIONS_MAX = 32;

/** The outcome is unknown, or nothing happened: the same request is sent again. */
const isOutage = ({ status }: Answer): boolean => status === 0 || status === 503;

const HOLD_SECONDS = 7_200;
const orderOf = (orderId: string, sku: string) => ({
  orderId,
  lines: [{ sku, quantity: 1 }],
  holdSeconds: HOLD_SECONDS,
});

/** A client of both APIs that remembers. */
export class Buyers {
  readonly told = new Map<string, Told>();
  /** Answers that are neither a yes nor a no that may be expected. */
  readonly unexpected: string[] = [];
  /** A buyer was told that everything is sold. */
  isSoldOut = false;
  /** Requests that failed and were repeated. */
  repeats = 0;
  readonly #urls: () => readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  #turn = 0;
  #isStopped = false;
  #isPaused = false;
  /** Starts of requests that were acknowledged, and when the answer came. */
  readonly #acknowledged: { readonly beganMs: number; readonly atMs: number }[] = [];

  /** @param urls of the APIs as they are now */
  constructor(urls: () => readonly string[]) {
    this.#urls = urls;
  }

  get acknowledgements(): number {
    return this.#acknowledged.length;
  }

  /** When the first request that began after `sinceMs` was acknowledged; undefined where none was. */
  firstAfter(sinceMs: number): number | undefined {
    const times = this.#acknowledged.filter(({ beganMs }) => beganMs >= sinceMs).map(({ atMs }) => atMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** No new order, and no repeat of one. */
  stop(): void {
    this.#isStopped = true;
  }

  /** While a backup is put back, so that there is something left to sell afterwards: buyers send nothing. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
  }

  close(): void {
    this.stop();
    this.#agent.destroy();
  }

  /** Repeats a request until it is decided. @returns the last outage where it is not within `withinMs` */
  async insist(path: string, body: unknown, withinMs: number): Promise<Answer> {
    const limitMs = performance.now() + withinMs;
    for (;;) {
      const answer = await this.#try(path, body);
      if (!isOutage(answer) || performance.now() > limitMs) return answer;
      await sleep(RETRY_PAUSE_MS);
    }
  }

  /** Sends every order that was acknowledged once more, as it was; ends where one is not answered in time. */
  async repeatAll(sku: string, withinMs: number): Promise<void> {
    for (const { orderId } of [...this.told.values()]) {
      const beganMs = performance.now();
      const answer = await this.insist('/v1/reservations', orderOf(orderId, sku), withinMs);
      if (isOutage(answer)) {
        this.#note('repeat', answer);
        return;
      }
      if (answer.status !== 200 && answer.status !== 201) this.#note('repeat', answer);
      else this.#acknowledged.push({ beganMs, atMs: performance.now() });
    }
  }

  /**
   * `count` buyers order one unit each, one order after the other, and pay for it at once: of 20, two keep the hold, and one cancels it.
   * Ends when everything is sold, or by {@link stop}. @param pauseMs between two orders of one buyer
   */
  async buy(run: string, sku: string, count: number, pauseMs: number, chance: Chance): Promise<void> {
    let next = 0;
    const ends = Array.from({ length: count * 1_000 }, () => chance.whole(1, 20));
    const buyer = async () => {
      while (!this.#isStopped && !this.isSoldOut) {
        const number = next++;
        await this.#order({ orderId: `${run}-${number}` }, sku, ends[number] ?? 20);
        await sleep(pauseMs);
      }
    };
    await Promise.all(Array.from({ length: count }, buyer));
  }

  async #order(told: Told, sku: string, end: number): Promise<void> {
    const { orderId } = told;
    const reserved = await this.#decided('/v1/reservations', orderOf(orderId, sku));
    if (!reserved) return;
    if (reserved.status === 409 && reserved.body.code === 'insufficient-stock') this.isSoldOut = true;
    else if (reserved.status !== 201 && reserved.status !== 200) this.#note('reserve', reserved);
    else {
      this.told.set(orderId, told);
      told.reservedAtMs = performance.now();
      if (end > 18) return;
      const wanted = end === 18 ? 'release' : 'confirm';
      const ended = await this.#decided(`/v1/reservations/${orderId}/${wanted}`, {});
      if (!ended) return;
      if (ended.status === 404) told.goneAtMs = performance.now();
      else if (ended.status !== 200) this.#note(wanted, ended);
      else if (wanted === 'release') told.releasedAtMs = performance.now();
      else told.confirmedAtMs = performance.now();
    }
  }

  /** The answer that decides; undefined where the buyers were stopped before one came. */
  async #decided(path: string, body: unknown): Promise<Answer | undefined> {
    while (!this.#isStopped) {
      if (this.#isPaused) {
        await sleep(RETRY_PAUSE_MS);
        continue;
      }
      const beganMs = performance.now();
      const answer = await this.#try(path, body);
      if (answer.status === 200 || answer.status === 201)
        this.#acknowledged.push({ beganMs, atMs: performance.now() });
      if (!isOutage(answer)) return answer;
      this.repeats++;
      await sleep(RETRY_PAUSE_MS);
    }
    return undefined;
  }

  #note(what: string, answer: Answer): void {
    this.unexpected.push(`${what}: ${answer.status} ${String(answer.body.code ?? answer.body.detail ?? '')}`);
  }

  /** One attempt, at the API whose turn it is; status 0 where no whole answer came. */
  #try(path: string, body: unknown): Promise<Answer> {
    const urls = this.#urls();
    const url = urls[this.#turn++ % Math.max(1, urls.length)];
    if (url === undefined) return Promise.resolve({ status: 0, body: {} });
    const text = JSON.stringify(body);
    return new Promise((resolve) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const call = request(new URL(path, url), { method: 'POST', agent: this.#agent, headers });
      const timer = setTimeout(() => call.destroy(), TRY_MS_MAX);
      const finish = (answer: Answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const lost = () => finish({ status: 0, body: {} });
      call.on('error', lost);
      call.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', lost);
        response.on('close', lost); // cut off before its end; after `end` it changes nothing
        response.on('end', () => {
          try {
            finish({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
          } catch {
            lost();
          }
        });
      });
      call.end(text);
    });
  }
}
