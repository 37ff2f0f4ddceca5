/**
 * Finds k6: on PATH, in Go's folder of programs, built once by Go, or as a container. Promises: nothing is built twice; what
 * takes long is reported; where there is none, the error says how to get one.
 */
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { findPrograms, runCommand, type Search, searchFolders } from '../../src/local/machine.ts';

/** The release that is built or fetched, and that the scripts were run with. */
export const K6_VERSION = '1.8.1';
const K6_MODULE = `go.k6.io/k6@v${K6_VERSION}`;
const K6_IMAGE = `grafana/k6:${K6_VERSION}`;
/** Scripts written for it run on every later release. */
const K6_MAJOR_MIN = 1;
const LOOK_MS_MAX = 10_000;
/** Two minutes on two cores where the packages have to be fetched; a slow line may take longer. */
const BUILD_MS_MAX = 20 * 60_000;
const BUILD_TELL_MS = 15_000;

export interface K6 {
  /** The program itself, or docker. */
  readonly file: string;
  /** Where it has to run as a container: the image. */
  readonly image?: string;
  /** One line: which it is and how it was found. */
  readonly route: string;
}

export interface K6Search extends Pick<Search, 'searchPath'> {
  /** Holds `bin/`, where a k6 that was built is kept. */
  readonly dataFolder: string;
  /** Of the user; Go's folder of programs is in it. */
  readonly homeFolder?: string;
  /** Gets a line for each step that takes time. */
  readonly log: (line: string) => void;
}

/** @throws where there is none and none can be brought; the message says how to get one */
export async function findK6(search: K6Search): Promise<K6> {
  const { searchPath, dataFolder, log, homeFolder = homedir() } = search;
  const misses: string[] = [];
  const folders = searchFolders(searchPath);
  const [go] = await findPrograms('go', folders);
  const kept = resolve(dataFolder, 'bin');
  for (const file of await findPrograms('k6', [...folders, join(homeFolder, 'go', 'bin'), kept])) {
    const version = await versionOf(file);
    if (isUsable(version)) return { file, route: `k6 ${version} (${file})` };
    misses.push(`${file} is ${version ?? 'not runnable'}`);
  }
  if (go) {
    try {
      return await build(go, kept, log);
    } catch (error) {
      misses.push(error instanceof Error ? error.message : String(error));
    }
  } else misses.push('no go on PATH');
  const [docker] = await findPrograms('docker', folders);
  const answers = docker && (await answersOf(docker, ['info', '--format', '{{.ServerVersion}}']));
  if (answers) return { file: docker, image: K6_IMAGE, route: `${K6_IMAGE}, as a container` };
  misses.push(docker ? 'docker info does not answer' : 'no docker on PATH');
  throw new Error(advice(misses));
}

async function build(go: string, folder: string, log: (line: string) => void): Promise<K6> {
  await mkdir(folder, { recursive: true });
  log(`building k6 ${K6_VERSION} with ${go}, once, into ${folder} (a minute or two)`);
  const startedMs = performance.now();
  const timer = setInterval(() => {
    log(`still building k6: ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  }, BUILD_TELL_MS);
  try {
    await runCommand(go, ['install', K6_MODULE], { timeoutMs: BUILD_MS_MAX, env: { GOBIN: folder } });
  } finally {
    clearInterval(timer);
  }
  const file = join(folder, 'k6');
  const version = await versionOf(file);
  if (!isUsable(version)) throw new Error(`${file} was built and does not run`);
  return { file, route: `k6 ${version}, built by Go (${file})` };
}

async function versionOf(file: string): Promise<string | undefined> {
  const words = await answersOf(file, ['version']);
  return words?.match(/^k6(?:\.exe)? v(\d+\.\d+\.\d+)/)?.[1];
}

const isUsable = (version = ''): boolean => Number(version.split('.')[0]) >= K6_MAJOR_MIN;

/** What a command says; undefined where it fails. */
function answersOf(file: string, args: string[]): Promise<string | undefined> {
  return runCommand(file, args, { timeoutMs: LOOK_MS_MAX }).catch(() => undefined);
}

function advice(misses: readonly string[]): string {
  return `No k6 ${K6_MAJOR_MIN}.0 or newer, which makes the load. One of these will do; then give the same command again:
  with Go         go install ${K6_MODULE}   (npm run load does it by itself where go is on PATH)
  macOS           brew install k6
  Debian, Ubuntu  https://grafana.com/docs/k6/latest/set-up/install-k6/
  with Docker     start it: ${K6_IMAGE} is used then
Looked on PATH, in Go's folders and in the data folder; ${misses.join('; ')}`;
}
