/**
 * What a profile is, whatever it was taken of: ways of calls, each with what was spent at its end. Promises: a function
 * that calls itself counts once where its whole is asked for. Refuses to know: what the weights are.
 */

export interface Frame {
  readonly name: string;
  /** Which part of all it belongs to. */
  readonly room: string;
}

export interface Stack {
  /** From the outermost call to the one that was running. */
  readonly frames: readonly Frame[];
  readonly weight: number;
}

export interface Share {
  readonly name: string;
  readonly room: string;
  /** Spent in itself. */
  readonly self: number;
  /** And in what it called. */
  readonly whole: number;
}

export const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

export const weightOf = (stacks: readonly Stack[]): number => sum(stacks.map(({ weight }) => weight));

/** Equal ways as one, in no order that means anything. */
export function fold(stacks: Iterable<Stack>): Stack[] {
  const folded = new Map<string, { frames: readonly Frame[]; weight: number }>();
  for (const { frames, weight } of stacks) {
    const key = frames.map(({ name, room }) => `${room}\t${name}`).join('\n');
    const known = folded.get(key);
    if (known) known.weight += weight;
    else folded.set(key, { frames, weight });
  }
  return [...folded.values()];
}

/** By function, the most expensive in itself first. */
export function byFunction(stacks: readonly Stack[]): Share[] {
  const shares = new Map<string, { name: string; room: string; self: number; whole: number }>();
  for (const { frames, weight } of stacks) {
    const seen = new Set<string>();
    for (const [i, { name, room }] of frames.entries()) {
      const key = `${room}\t${name}`;
      const share = shares.get(key) ?? { name, room, self: 0, whole: 0 };
      shares.set(key, share);
      if (i === frames.length - 1) share.self += weight;
      if (!seen.has(key)) share.whole += weight;
      seen.add(key);
    }
  }
  return [...shares.values()].sort((a, b) => b.self - a.self || (a.name < b.name ? -1 : 1));
}

/** What was spent in each room itself, the most first. */
export function byRoom(stacks: readonly Stack[]): { room: string; weight: number }[] {
  const rooms = new Map<string, number>();
  for (const { frames, weight } of stacks) {
    const room = frames.at(-1)?.room ?? '';
    rooms.set(room, (rooms.get(room) ?? 0) + weight);
  }
  return [...rooms].map(([room, weight]) => ({ room, weight })).sort((a, b) => b.weight - a.weight);
}
