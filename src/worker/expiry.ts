/**
 * The sweep (D5): returns what is due on partitions where no order comes by to do it.
 * Promises: stock of an expired hold is back within the interval, in steps short enough that orders pass between them.
 */
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import { pause } from '../timing/retry.ts';

export interface ExpirySweepOptions {
  readonly hot: HotInventory;
  /** How often an idle partition is looked at. */
  readonly intervalMs?: number;
  /** Holds per step: 128 take less than 1 ms of Redis, the most an order has to wait behind one. */
  readonly holdsPerStepMax?: number;
  readonly onFault?: (error: unknown) => void;
}

export interface ExpirySweep {
  /** Stops after the step in hand. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 200;
const HOLDS_PER_STEP_MAX = 128;

/** Looks at the partition until stopped; an outage of Redis is told to `onFault` and tried again. */
export function startExpirySweep(options: ExpirySweepOptions): ExpirySweep {
  const { hot, intervalMs = INTERVAL_MS, holdsPerStepMax = HOLDS_PER_STEP_MAX, onFault = () => {} } = options;
  const stopping = new AbortController();
  const done = run();
  return {
    stop: async () => {
      stopping.abort();
      await done;
    },
  };

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let isMore = false;
      const startedMs = performance.now();
      try {
        isMore = (await hot.sweep(holdsPerStepMax)).moreDue;
      } catch (error) {
        onFault(error);
      }
      // In a storm of deadlines as long again for the orders as the step took; else until the next look.
      await pause(isMore ? performance.now() - startedMs : intervalMs, stopping.signal);
    }
  }
}
