/** Measures rivals alternately, A B A B: what else the machine does affects all, and ratios are taken within a turn. */

/** A way to do the work, measured once per turn. */
export interface Rival<T> {
  readonly name: string;
  measure(): Promise<T>;
}

/** @param show one result for the progress line */
export async function inTurn<T>(
  turns: number,
  rivals: readonly Rival<T>[],
  progress: (line: string) => void,
  show: (result: T) => string,
): Promise<T[][]> {
  const results: T[][] = rivals.map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    const words: string[] = [];
    for (const [i, rival] of rivals.entries()) {
      const result = await rival.measure();
      results[i]?.push(result);
      words.push(`${rival.name} ${show(result)}`);
    }
    progress(`${turn + 1}/${turns}: ${words.join(' | ')}`);
  }
  return results;
}
