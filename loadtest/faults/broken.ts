/**
 * Copies of the built product with one mechanism taken out, for controls: a laboratory that does not fail without the mechanism would
 * not have noticed that it is missing. The product itself has no switch for that.
 */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One text in one file, and what stands there instead. */
export interface Cut {
  /** Under the root of the project: `lua/...` or `dist/...`. */
  readonly file: string;
  readonly find: string | RegExp;
  readonly replace: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Makes a copy at `folder` with these cuts. @returns the root of the copy @throws where a text is not there, or more than once */
export async function breakCopy(folder: string, cuts: readonly Cut[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const part of ['dist', 'lua', 'package.json']) {
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, replace } of cuts) {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    const found = typeof find === 'string' ? text.split(find).length - 1 : (text.match(find) ?? []).length;
    if (found !== 1) throw new Error(`${file} has ${found} times what a control takes out: ${String(find)}`);
    await writeFile(
      path,
      text.replace(find, () => replace),
    );
  }
  return folder;
}

/** The product as it is. */
export const UNBROKEN = ROOT;
