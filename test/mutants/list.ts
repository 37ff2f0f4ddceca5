/** All mutants by room, and the check that the list fits the tree. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOTPATH } from './hotpath.ts';
import { HTTP } from './http.ts';
import { LEDGER } from './ledger.ts';
import { LUA } from './lua.ts';
import type { Mutant } from './mutant.ts';
import { WORKER } from './worker.ts';

export type Room = keyof typeof MUTANTS;

export const MUTANTS = {
  lua: LUA,
  hotpath: HOTPATH,
  worker: WORKER,
  ledger: LEDGER,
  http: HTTP,
} satisfies Record<string, readonly Mutant[]>;

/** A sentence for each mutant whose place is not there exactly once, or whose tests are not. */
export async function wrongAnchors(root: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const { file, find, replace, tests, fault } of Object.values<readonly Mutant[]>(MUTANTS).flat()) {
    const text = await readFile(join(root, file), 'utf8').catch(() => '');
    const places = text.split(find).length - 1;
    const at = `${file}: ${fault}`;
    if (places !== 1) wrong.push(`${at}: the place stands there ${places} times: ${JSON.stringify(find)}`);
    if (find === replace) wrong.push(`${at}: nothing is broken`);
    if (tests.length === 0) wrong.push(`${at}: no test is named`);
    for (const test of tests) {
      const isThere = await readFile(join(root, test), 'utf8').then(
        () => true,
        () => false,
      );
      if (!isThere) wrong.push(`${at}: there is no ${test}`);
    }
  }
  return wrong;
}
