/** What the process with the clocks tells the one that asked: waits in milliseconds at each share, by where. */
export const SHARES = [0.5, 0.9, 0.99, 0.999] as const;
export type Waits = Readonly<Record<string, readonly number[]>>;
