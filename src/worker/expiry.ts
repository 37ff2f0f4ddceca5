/**
 * The expiry sweep (D5): returns due holds on partitions where no order comes in that would do it on its way.
 * Promises: the stock of an expired hold is back within the interval, in steps so short that orders pass between them.
 */
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import { pause } from '../timing/retry.ts';

export interface ExpirySweepOptions {
  readonly hot: HotInventory;
  /** The pause between two sweeps where nothing more is due. */
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

/**
 * Sweeps until stopped; an outage of Redis goes to `onFault`, and the next sweep tries again.
 * @example const sweep = startExpirySweep({ hot });
 */
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
      // While more is due, orders get as much time as the step took.
      await pause(isMore ? performance.now() - startedMs : intervalMs, stopping.signal);
    }
  }
}
