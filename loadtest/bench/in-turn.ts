/**
 * Measures rivals in turn, A B A B ..., never all of A and then all of B: what else the machine does meanwhile weighs on
 * all of them alike, and ratios are taken within one turn.
 */

/** A way to do the work, measured once per turn. */
export interface Rival<T> {
  readonly name: string;
  measure(): Promise<T>;
}

/** @param show turns one result into the words of a progress line */
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
