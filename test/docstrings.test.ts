/**
 * Every exported function and class of src/ says what it does in a comment of its own: what comes in and out, units, errors.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const SRC = new URL('../src/', import.meta.url);

/** Names of exported functions and classes without a doc comment above them; overloads share the first one's. */
function undocumented(text: string): string[] {
  const exported =
    /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:function\*? ?|class )(\w+)/gm;
  const seen = new Set<string>();
  const bare: string[] = [];
  for (const match of text.matchAll(exported)) {
    const name = match[1] as string;
    const above = text.slice(0, match.index).trimEnd();
    // The comment at the head of a file is about the file, unless it is all that stands above.
    if (!above.endsWith('*/') && !seen.has(name)) bare.push(name);
    seen.add(name);
  }
  return bare;
}

test('a function or class without a comment is found', () => {
  const text = [
    '/** Says. */\nexport function a() {}',
    'export function b() {}',
    '/** Says. */\nexport async function* c() {}',
    'export class D {}',
    '/** Says. */\nexport function e(x: 1): 1;\nexport function e(x: 2): 2;\nexport function e() {}',
  ].join('\n\n');
  expect(undocumented(text)).toEqual(['b', 'D']);
});

test('every exported function and class has a comment of its own', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const bare = files.flatMap((file) =>
    undocumented(readFileSync(new URL(file, SRC), 'utf8')).map((name) => `${file}: ${name}`),
  );
  expect(bare.sort()).toEqual([]);
});
