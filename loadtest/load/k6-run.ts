/**
 * One run of a k6 script: started, its log read, its summary read. Promises: the buyers' reports are collected; k6's own
 * messages are passed on, bounded; a k6 that ends without a summary is an error with its last lines.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { K6 } from './find-k6.ts';
import { Tally } from './tally.ts';

/** What of k6's own summary is used here. */
export interface Summary {
  readonly metrics: Readonly<
    Record<
      string,
      {
        readonly values: Readonly<Record<string, number>>;
        readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
      }
    >
  >;
}

export interface K6Outcome {
  readonly summary: Summary;
  readonly tally: Tally;
  /** What k6 itself found wrong: thresholds that were not kept, and an end before the end. */
  readonly broken: readonly string[];
}

export interface K6Order {
  readonly script: string;
  /** The LOAD_ variables; a path among them must lie in `folder`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of this run: for the summary and what the script reads. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

const SCRIPTS_FOLDER = fileURLToPath(new URL('../k6/', import.meta.url));
const WORDS_MAX = 20;
/** k6's code where it ran to its end and a threshold was not kept. */
const THRESHOLDS_BROKEN = 99;
const FLAGS = ['run', '--quiet', '--no-color', '--log-format=raw', '--no-usage-report', '--address='];

/** @throws where k6 leaves no summary, with its last words */
export async function runK6(k6: K6, order: K6Order): Promise<K6Outcome> {
  const summaryFile = join(order.folder, 'summary.json');
  await rm(summaryFile, { force: true });
  const tally = new Tally();
  const words: string[] = [];
  const child = start(k6, { ...order, environment: { ...order.environment, LOAD_SUMMARY: summaryFile } });
  // Who ends this program does not want the load to go on.
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  const lines = createInterface({ input: child.stderr ?? process.stdin });
  lines.on('line', (text) => {
    if (text === '' || tally.add(text)) return;
    words.push(text);
    if (words.length <= WORDS_MAX) order.log(`k6: ${text}`);
    else if (words.length === WORDS_MAX + 1) order.log('k6: ... and more');
  });
  const [[code]] = await Promise.all([once(child, 'exit') as Promise<[number | null]>, once(lines, 'close')]);
  const text = await readFile(summaryFile, 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new Error(`k6 ended with code ${code}:\n${words.slice(-WORDS_MAX).join('\n')}`);
  const summary = JSON.parse(text) as Summary;
  const broken = brokenThresholds(summary);
  // A script that threw, or a k6 that was stopped: its results so far are still worth a report.
  if (code !== 0 && code !== THRESHOLDS_BROKEN)
    broken.push(`k6 ended with code ${code}: ${words.at(-1) ?? ''}`);
  return { summary, tally, broken };
}

function start(k6: K6, order: K6Order): ChildProcess {
  // A collector that runs four times as seldom takes a tenth off what an order costs k6; memory there is.
  const collector = { GOGC: process.env.GOGC ?? '400' };
  const script = `${order.script}.js`;
  if (k6.image === undefined) {
    const child = spawn(k6.file, [...FLAGS, join(SCRIPTS_FOLDER, script)], {
      env: { ...process.env, ...collector, ...order.environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return child;
  }
  const child = spawn(k6.file, containerArguments(k6.image, order, collector), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return child;
}

/** The container shares this machine's network, reads the scripts, and writes its summary into the folder of the run. */
export function containerArguments(
  image: string,
  { script, environment, folder }: Pick<K6Order, 'script' | 'environment' | 'folder'>,
  more: Readonly<Record<string, string>>,
): string[] {
  const user = process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.() ?? 0}`] : [];
  // Docker Desktop has a machine of its own between container and host.
  const host = process.platform === 'linux' ? '//127.0.0.1:' : '//host.docker.internal:';
  const inside = (text: string) => text.replace('//127.0.0.1:', host).replace(folder, '/run');
  const variables = Object.entries({ ...environment, ...more });
  return [
    ...['run', '--rm', '--network', 'host', ...user],
    ...['--volume', `${SCRIPTS_FOLDER}:/scripts:ro`, '--volume', `${folder}:/run`],
    ...variables.flatMap(([key, value]) => ['--env', `${key}=${inside(value)}`]),
    image,
    ...FLAGS,
    `/scripts/${basename(script)}.js`,
  ];
}

function brokenThresholds({ metrics }: Summary): string[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {}, values }]) =>
    Object.entries(thresholds)
      .filter(([, { ok }]) => !ok)
      .map(([rule]) => `${name} ${rule} (it is ${values.count ?? JSON.stringify(values)})`),
  );
}
