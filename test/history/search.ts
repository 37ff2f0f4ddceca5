/**
 * Random schedules, from seeds: the first that breaks an invariant, cut to what is needed to break it.
 */
import type { Flaw } from './flaws.ts';
import { type Happening, type HappeningKind, PersonNeeded, type Profile, Violation, World } from './world.ts';

/** A schedule that breaks an invariant. */
export interface Found {
  readonly seed: number;
  readonly violation: string;
  /** What happened, without what was not needed. */
  readonly log: readonly string[];
}

export interface Searched {
  readonly found: Found | undefined;
  readonly schedules: number;
  /** Schedules that ended with a question to a person. */
  readonly asked: number;
}

/** Numbers from 0 to 2^32, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The schedule of a seed. */
export function scheduleOf(seed: number, profile: Profile): Happening[] {
  const random = randomOf(seed);
  const kinds = Object.entries(profile.weights).flatMap(([kind, weight]) =>
    Array.from({ length: weight }, () => kind as HappeningKind),
  );
  const length = 10 + (random() % 60);
  return Array.from({ length }, () => [
    kinds[random() % kinds.length] as HappeningKind,
    random() % 840,
    random() % 840,
  ]);
}

interface Played {
  readonly outcome: 'held' | 'asked' | 'violated';
  readonly message: string;
  readonly log: readonly string[];
}

/** Plays a schedule to its end. */
export function play(schedule: readonly Happening[], profile: Profile, flaw?: Flaw): Played {
  const world = new World(profile, flaw);
  try {
    for (const happening of schedule) world.happen(happening);
    world.heal();
    return { outcome: 'held', message: '', log: world.log };
  } catch (error) {
    if (error instanceof PersonNeeded) return { outcome: 'asked', message: error.message, log: world.log };
    if (error instanceof Violation) return { outcome: 'violated', message: error.message, log: world.log };
    throw error;
  }
}

/** Drops happenings as long as an invariant still breaks. */
function shrink(
  schedule: readonly Happening[],
  profile: Profile,
  flaw: Flaw | undefined,
): readonly Happening[] {
  let smallest = schedule;
  for (let size = Math.ceil(schedule.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < smallest.length; ) {
      const shorter = [...smallest.slice(0, from), ...smallest.slice(from + size)];
      if (play(shorter, profile, flaw).outcome === 'violated') smallest = shorter;
      else from += size;
    }
  }
  return smallest;
}

/** Plays the schedules of seeds `from` to `from + schedules`, until one breaks an invariant. */
export function search(profile: Profile, from: number, schedules: number, flaw?: Flaw): Searched {
  let asked = 0;
  for (let seed = from; seed < from + schedules; seed++) {
    const schedule = scheduleOf(seed, profile);
    const { outcome } = play(schedule, profile, flaw);
    if (outcome === 'asked') asked++;
    if (outcome !== 'violated') continue;
    const { message, log } = play(shrink(schedule, profile, flaw), profile, flaw);
    return { found: { seed, violation: message, log }, schedules: seed - from + 1, asked };
  }
  return { found: undefined, schedules, asked };
}
