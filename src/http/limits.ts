/**
 * What one process takes from the network. Fastify's own defaults are open: no time-outs, no limit of connections.
 * Promises: every buffer, wait and connection has a bound, and each bound states its reason.
 * Refuses to know: the limits of the business (domain/limits.ts).
 */

export interface HttpLimits {
  /** 100 lines with the longest ids, 128 characters of 4 bytes each, are 106 KiB; more is not an order. */
  readonly bodyBytesMax: number;
  /** 500 orders of 100 lines each with ids of 64 letters are 8.5 MiB; those with the longest ids go in several batches. */
  readonly batchBodyBytesMax: number;
  /** 5,000 counts with ids of 64 letters are 1.1 MiB; those with the longest ids go in several calls. */
  readonly sheetBodyBytesMax: number;
  /** The request line counts as well; a search of the ledger by six of the longest ids, percent-encoded, has 9 KiB. */
  readonly headersBytesMax: number;
  readonly connectionsMax: number;
  /** A connection is renewed now and then, so that a balancer can move it to another process. */
  readonly requestsPerConnectionMax: number;
  /** The headers of a request are there in this time, or the connection ends (slow clients). */
  readonly headersMsMax: number;
  /** The whole request is there in this time. */
  readonly requestMsMax: number;
  /** A connection that waits for bytes or for an answer is closed after this time; longer than the engine's slowest answer (7 s). */
  readonly silenceMsMax: number;
  /** An idle connection is closed after this time: above the 60 s of most load balancers, which else send into a closed one. */
  readonly keepAliveMsMax: number;
  /** How often Node looks for slow clients: they may live this much longer. */
  readonly slowClientsCheckMs: number;
  /** Reads of the ledger under way at once: each occupies a Postgres connection; the hot path needs none. */
  readonly ledgerReadsMax: number;
  /** A readiness probe that takes longer fails. */
  readonly readyMsMax: number;
}

export const HTTP_LIMITS_DEFAULT: HttpLimits = {
  bodyBytesMax: 128 * 1_024,
  batchBodyBytesMax: 9 * 1_024 * 1_024,
  sheetBodyBytesMax: 1_280 * 1_024,
  headersBytesMax: 16 * 1_024,
  connectionsMax: 4_096,
  requestsPerConnectionMax: 10_000,
  headersMsMax: 5_000,
  requestMsMax: 10_000,
  silenceMsMax: 40_000,
  keepAliveMsMax: 65_000,
  slowClientsCheckMs: 1_000,
  ledgerReadsMax: 16,
  readyMsMax: 1_000,
};

/**
 * The limits of time that go with each other.
 * @param keepAliveMs how long a connection may be idle
 * @param requestMs how long a request may take to arrive
 */
export function timeLimits(keepAliveMs: number, requestMs: number): Partial<HttpLimits> {
  return {
    keepAliveMsMax: keepAliveMs,
    requestMsMax: requestMs,
    headersMsMax: Math.min(HTTP_LIMITS_DEFAULT.headersMsMax, requestMs),
    // A slow request is ended as one, with an answer, before its connection is ended for silence, without one.
    silenceMsMax: Math.max(HTTP_LIMITS_DEFAULT.silenceMsMax, 2 * requestMs),
  };
}
