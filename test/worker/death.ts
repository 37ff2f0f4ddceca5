/** The death of a worker at a place of the test's choice. */

/** Dies at the n-th of the checkpoints that `isChosen` chooses, and does nothing more from then on. */
export function death(isChosen: (name: string) => boolean, n: number) {
  let passes = 0;
  let isDead = false;
  const pass = async (name: string) => {
    if (isChosen(name) && ++passes === n) isDead = true;
    if (isDead) await new Promise(() => {});
  };
  return { pass, isDead: () => isDead };
}
