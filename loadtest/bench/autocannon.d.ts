/** The part of autocannon that is used here; the package has no types of its own. */
declare module 'autocannon' {
  export interface Client {
    setRequests(requests: readonly object[]): void;
  }
  export interface Options {
    readonly url: string;
    readonly connections: number;
    /** In seconds. */
    readonly duration?: number;
    /** Of requests, instead of a duration. */
    readonly amount?: number;
    /** How often it looks whether the time is up, in milliseconds. */
    readonly sampleInt: number;
    setupClient(client: Client): void;
  }
  export interface Result {
    readonly errors: number;
    readonly timeouts: number;
    /** In seconds. */
    readonly duration: number;
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number } | undefined>>;
    /** In milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number };
  }
  export default function autocannon(options: Options): Promise<Result>;
}
