/**
 * What an experiment is, and how one run of it goes: goods come in, buyers buy, the fault strikes in the middle, buyers go on until
 * everything is sold, and the judge compares what they were told with what is there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../command.ts';
import { Buyers } from './buyers.ts';
import { Chance } from './chance.ts';
import { judge, type Verdict } from './judge.ts';
import type { Scene, SceneOptions } from './scene.ts';

/** The ways in which a control has to fail. */
export type Failure = 'lost' | 'oversold' | 'soldAgain' | 'twice' | 'unlisted' | 'stuck';

/** What a run has at hand while the fault strikes. */
export interface Stage {
  readonly scene: Scene;
  readonly chance: Chance;
  readonly buyers: Buyers;
  readonly sku: string;
  /** A folder of this run. */
  readonly folder: string;
  /** The number of the run within its experiment. */
  readonly run: number;
  /** The fault is there: seconds to the first acknowledgement count from now on. Default: when `strike` begins. */
  struck(): void;
  /** Waits until buyers have been told of this many orders in all. */
  sold(orders: number): Promise<void>;
}

export interface Experiment {
  /** `group/name`. */
  readonly name: string;
  readonly title: string;
  readonly scene: SceneOptions;
  /** Of a control: what has to happen in at least one of its runs. */
  readonly mustFail?: Failure;
  /** Acknowledged orders may be lost, as long as each is listed: a store is gone, or the level promises no more. */
  readonly mayLose?: boolean;
  /** Runs of the long form. */
  readonly runs: number;
  /** What makes a new scene necessary after each run. */
  readonly isScenePerRun?: boolean;
  /** Before the first order. */
  prepare?(stage: Stage): Promise<void>;
  strike(stage: Stage): Promise<void>;
  /** After the first acknowledgement: what is still broken is brought back. */
  heal?(stage: Stage): Promise<void>;
}

export interface Result extends Verdict {
  /** From the fault to the answer; undefined where there was none in time. */
  readonly firstAgainS: number | undefined;
  /** Commands that a person gave. */
  readonly commands: readonly string[];
  /** It did not come back, or could not be judged; the scene cannot be used again. */
  readonly stuck: string | undefined;
}

const BUYERS = 8;
const PAUSE_MS = 5;
const UNITS_MIN = 60;
const UNITS_MAX = 160;
const DECIDE_MS_MAX = 30_000;
/** A standby takes over within 15 s, a store comes back within 10 s; what takes longer than this does not come. */
const AGAIN_MS_MAX = 45_000;
const SOLD_OUT_MS_MAX = 45_000;
const POLL_MS = 5;

/** Plays one run. @throws {Unavailable} where this machine lacks what the experiment needs */
export async function playRun(
  experiment: Experiment,
  scene: Scene,
  run: number,
  seed: number,
): Promise<Result> {
  const chance = new Chance(seed);
  const units = chance.whole(UNITS_MIN, UNITS_MAX);
  const name = `${experiment.name.replaceAll('/', '-')}-${run}-${seed.toString(36)}`;
  const sku = name;
  const buyers = new Buyers(scene.apiUrls);
  let struckMs: number | undefined;
  const stage: Stage = {
    scene,
    chance,
    buyers,
    sku,
    folder: scene.lab.newFolder('run'),
    run,
    struck: () => {
      struckMs = performance.now();
    },
    sold: async (orders) => {
      while (buyers.told.size < orders && !buyers.isSoldOut) await sleep(POLL_MS);
    },
  };
  scene.commands.splice(0);
  try {
    const receipt = { movementId: `in-${name}`, sku, warehouse: 'W1', quantity: units };
    const received = await buyers.insist('/v1/stock/receive', receipt, DECIDE_MS_MAX);
    if (received.status !== 201 && received.status !== 200)
      return nothingHappened(`no goods came in: ${received.status} ${String(received.body.detail ?? '')}`);
    await experiment.prepare?.(stage);
    const buying = buyers.buy(name, sku, BUYERS, PAUSE_MS, chance);
    // As far as the fault leaves units to sell afterwards: what is lost or sold twice then shows.
    await stage.sold(Math.floor(units * (0.2 + 0.5 * chance.share())));
    struckMs = performance.now();
    const stuck = await strikeAndSellOut(experiment, stage, () => struckMs ?? 0);
    buyers.stop();
    await buying;
    const verdict = await judge(scene, buyers, sku, units);
    const firstMs = buyers.firstAfter(struckMs);
    return {
      ...verdict,
      firstAgainS: firstMs === undefined ? undefined : (firstMs - struckMs) / 1_000,
      commands: [...scene.commands],
      stuck: stuck ?? (verdict.isCaughtUp ? undefined : 'the ledger does not follow'),
    };
  } catch (error) {
    // What this machine lacks is said once; what went wrong on the way counts against Holdfast.
    if (error instanceof Unavailable) throw error;
    return nothingHappened(error);
  } finally {
    buyers.close();
  }
}

/** @returns what did not come back */
async function strikeAndSellOut(
  experiment: Experiment,
  stage: Stage,
  struckMs: () => number,
): Promise<string | undefined> {
  const { buyers } = stage;
  try {
    await experiment.strike(stage);
    const isAgain = () => buyers.isSoldOut || buyers.firstAfter(struckMs()) !== undefined;
    if (!(await within(AGAIN_MS_MAX, isAgain))) return `no acknowledgement within ${AGAIN_MS_MAX / 1_000} s`;
    await experiment.heal?.(stage);
    const isOver = await within(SOLD_OUT_MS_MAX, () => buyers.isSoldOut);
    return isOver ? undefined : `not sold out within ${SOLD_OUT_MS_MAX / 1_000} s`;
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

/** A run that could not be played or judged: it counts as one that did not come back. */
export function nothingHappened(why: unknown): Result {
  const message = why instanceof Error ? why.message : String(why);
  const counts = {
    acknowledged: 0,
    lost: [],
    listedById: 0,
    listedByRange: 0,
    oversold: 0,
    soldAgain: 0,
    twice: 0,
  };
  return {
    ...counts,
    isCaughtUp: false,
    differences: [],
    firstAgainS: undefined,
    commands: [],
    stuck: message.split('\n')[0] ?? '',
  };
}

async function within(ms: number, isTrue: () => boolean): Promise<boolean> {
  const limitMs = performance.now() + ms;
  while (!isTrue()) {
    if (performance.now() > limitMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}
