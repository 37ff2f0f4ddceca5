/**
 * Goal: what the image and docker-compose.yml say agrees with the code: no Docker is needed to see that.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const dockerfile = readFileSync(join(ROOT, '.docker/Dockerfile'), 'utf8');
const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');

/** The lines of one service. */
function service(name: string): string {
  const found = new RegExp(`^  ${name}:\\n((?: {4}.*\\n|\\n)+)`, 'm').exec(compose);
  return found?.[1] ?? '';
}

test('the image has everything that its programs and npm run need', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
    files.split(' '),
  );
  expect(copied).toEqual(expect.arrayContaining(['lua', 'package.json', 'src/prepare.mjs']));
  for (const file of copied) expect(existsSync(join(ROOT, file)), file).toBe(true);
  for (const [, program] of `${dockerfile}${compose}`.matchAll(/dist\/programs\/([a-z-]+)\.js/g))
    expect(existsSync(join(ROOT, `src/programs/${program}.ts`)), program).toBe(true);
});

test.each(['api', 'worker'])('%s: a container gets more time to stop than its process takes', (name) => {
  const [, seconds] = /^ {4}stop_grace_period: (\d+)s$/m.exec(service(name)) ?? [];
  expect(Number(seconds) * 1_000).toBeGreaterThan(readConfig({}).shutdownMsMax);
  expect(readConfig({}).shutdownMsMax).toBeGreaterThan(readConfig({}).drainMs);
});

test('the store of the hot path has the settings that the engine asks for', () => {
  const words = [...service('redis').matchAll(/^ {6}- "?([^"\n]*)"?$/gm)].map(([, word = '']) => word);
  const settings = Object.fromEntries(
    words.flatMap((word, i) => (word.startsWith('--') ? [[word, words[i + 1]]] : [])),
  );
  expect(settings).toMatchObject({
    '--appendonly': 'yes',
    '--appendfsync': 'always',
    '--no-appendfsync-on-rewrite': 'no',
    '--maxmemory-policy': 'noeviction',
  });
});
