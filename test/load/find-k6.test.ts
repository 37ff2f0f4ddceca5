/**
 * Where k6 comes from, in order: PATH, Go's folder, the data folder, a build by Go, a container. The programs here are
 * small shell scripts that answer as the real ones do; whether a real k6 runs the scripts, `npm run load` shows.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { findK6, K6_VERSION } from '../../loadtest/load/find-k6.ts';
import { containerArguments } from '../../loadtest/load/k6-run.ts';
import { temporaryFolder } from '../local/lifetime.ts';

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await temporaryFolder();
  said = [];
});

const find = () =>
  findK6({
    searchPath: join(folder, 'path'),
    dataFolder: join(folder, 'data'),
    homeFolder: join(folder, 'home'),
    log: (line) => said.push(line),
  });

async function program(place: string, name: string, script: string): Promise<string> {
  await mkdir(join(folder, place), { recursive: true });
  const file = join(folder, place, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}
const k6Of = (version: string) => `echo "k6 v${version} (go1.26, linux/amd64)"`;
/** Knows no folder of its own, writes down what it is told to install, and puts a k6 where it is told to. */
async function goThatBuilds(): Promise<void> {
  const built = await program('prepared', 'k6', k6Of(K6_VERSION));
  const installs = `echo "$@" > ${folder}/installed; cp ${built} "$GOBIN/k6"`;
  await program('path', 'go', `if [ "$1" = env ]; then echo; echo; else ${installs}; fi`);
}

test('the one on PATH is taken, and nothing is built', async () => {
  const file = await program('path', 'k6', k6Of('1.3.0'));
  await goThatBuilds();
  expect(await find()).toEqual({ file, route: `k6 1.3.0 (${file})` });
  await expect(readFile(join(folder, 'installed'))).rejects.toThrow();
});

test("Go's folder of programs is searched", async () => {
  const usual = await program('home/go/bin', 'k6', k6Of('1.3.0'));
  expect((await find()).file).toBe(usual);
});

test('where there is none, Go builds the release the scripts were run with, once', async () => {
  await goThatBuilds();
  const built = await find();
  expect(built.file).toBe(join(folder, 'data/bin/k6'));
  expect(await readFile(join(folder, 'installed'), 'utf8')).toBe(`install go.k6.io/k6@v${K6_VERSION}\n`);
  expect(said.join()).toMatch(/^building k6 .* \(a minute or two\)$/);
  said = [];
  expect((await find()).file).toBe(built.file);
  expect(said).toEqual([]);
});

test('one that is too old is passed by', async () => {
  await program('path', 'k6', k6Of('0.49.0'));
  await goThatBuilds();
  expect((await find()).file).toBe(join(folder, 'data/bin/k6'));
});

test('a docker that answers is the last resort', async () => {
  const docker = await program('path', 'docker', 'echo 28.0.0');
  expect(await find()).toMatchObject({ file: docker, image: `grafana/k6:${K6_VERSION}` });
});

describe('where there is no way', () => {
  test('the error says how to get one, and what was found instead', async () => {
    await program('path', 'k6', k6Of('0.49.0'));
    await program('path', 'go', 'echo "no network" >&2; exit 1');
    await program('path', 'docker', 'exit 1');
    const error: Error = await find().then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error.message).toContain(`go install go.k6.io/k6@v${K6_VERSION}`);
    expect(error.message).toContain('brew install k6');
    expect(error.message).toContain('k6 is 0.49.0');
    expect(error.message).toContain('no network');
    expect(error.message).toContain('docker info does not answer');
  });

  test('a machine with nothing is told the same', async () => {
    await expect(find()).rejects.toThrow(/no go on PATH; no docker on PATH$/);
  });
});

test('a container sees the scripts, the folder of the run under its own name, and the variables', () => {
  const order = { script: 'steady', environment: { LOAD_SUMMARY: '/tmp/x/summary.json' }, folder: '/tmp/x' };
  const words = containerArguments('grafana/k6:1', order, { GOGC: '400' });
  expect(words).toContain('/tmp/x:/run');
  expect(words).toContain('LOAD_SUMMARY=/run/summary.json');
  expect(words).toContain('GOGC=400');
  expect(words.indexOf('run', 1)).toBe(words.indexOf('grafana/k6:1') + 1);
  expect(words.at(-1)).toBe('/scripts/steady.js');
});
