/**
 * `npm run load -- <script>`: starts a Holdfast of its own, runs a k6 script against it, and lets the independent proof read
 * both stores at the end. Ends with a report, and with code 0 only where every check passed.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, takeConfig } from '../../src/config.ts';
import { proofText } from '../../src/proof/proof.ts';
import { closeOnSignals, runMain } from '../command.ts';
import { findK6, type K6 } from './find-k6.ts';
import { findingsOf } from './findings.ts';
import { type LoadedHoldfast, startLoadedHoldfast } from './holdfast.ts';
import { type K6Outcome, runK6 } from './k6-run.ts';
import { caughtUp, heldAtTheEnd, openSources, type ProvingSources, proveAll } from './proving.ts';
import { drawReport, isPassed, type LoadReport, reportText } from './report.ts';
import { Sampler } from './sampler.ts';
import { type LoadSettings, readSettings, USAGE } from './settings.ts';

/** How long the plots go on after the ledger has everything. */
const AFTERWARDS_MS = 2_000;

const log = (line: string) => console.error(`  ${line}`);

/** All that one run needs. */
interface Run {
  readonly settings: LoadSettings;
  readonly config: Config;
  readonly k6: K6;
  readonly holdfast: LoadedHoldfast;
  readonly sources: ProvingSources;
  readonly sampler: Sampler;
  /** For k6's summary. */
  readonly folder: string;
  /** Orders that got a yes. */
  readonly acknowledged: string[];
}

async function main(): Promise<number> {
  const settings = readSettings(process.argv.slice(2), process.env);
  if (settings === 'help') {
    console.log(USAGE);
    return 0;
  }
  const config = takeConfig({});
  const closing: (() => Promise<unknown>)[] = [];
  let closed: Promise<void> | undefined;
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse())
      await close().catch((error: unknown) => log(String(error)));
  };
  const close = () => {
    closed ??= closeAll();
    return closed;
  };
  closeOnSignals(close);
  try {
    const k6 = await findK6({ dataFolder: config.dataFolder, log });
    log(k6.route);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-k6-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    log('starting Redis, Postgres, worker and API');
    const holdfast = await startLoadedHoldfast(log);
    closing.push(() => holdfast.stop());
    const sources = await openSources(holdfast.redisUrl, holdfast.databaseUrl, config.prefix);
    closing.push(() => sources.close());
    const sampler = new Sampler(holdfast.workerUrl, sources.postgres);
    closing.push(() => sampler.stop());
    const report = await load({ settings, config, k6, holdfast, sources, sampler, folder, acknowledged: [] });
    console.log(reportText(report));
    console.log(
      `${isPassed(report) ? 'PASSED' : 'FAILED'}  ${await keepReport(report, settings.script.name, config.dataFolder)}`,
    );
    return isPassed(report) ? 0 : 1;
  } finally {
    await close();
  }
}

async function load(run: Run): Promise<LoadReport> {
  const { settings, sources, sampler } = run;
  const startedAt = new Date();
  const loadBefore = loadavg()[0] ?? 0;
  log(`${settings.script.name}: ${settings.rate} orders/s for ${settings.seconds} s`);
  const outcome = await runScript(run);
  const { returning } = settings.script;
  const unreturned = returning === undefined ? undefined : await heldAtTheEnd(sources, returning);
  const isCaughtUp = await caughtUp(sources);
  await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
  await sampler.stop();
  log('proving, from both stores');
  const proof = await proveAll(sources, run.acknowledged);
  const cores = availableParallelism();
  const { samples } = sampler;
  return {
    title: settings.script.title,
    command: `npm run load -- ${process.argv.slice(2).join(' ')}`,
    startedAt,
    ...findingsOf({
      settings,
      outcome,
      samples,
      unreturned,
      isCaughtUp,
      proof,
    }),
    proof: proofText(proof),
    machine: machineOf(run, cores, loadBefore),
  };
}

/** Runs the script once, and remembers the orders that got a yes. */
async function runScript(run: Run): Promise<K6Outcome> {
  const { settings, k6, holdfast, folder } = run;
  const name = `k${Date.now().toString(36)}`;
  const environment = {
    LOAD_URL: holdfast.url,
    LOAD_RUN: name,
    LOAD_RATE: String(settings.rate),
    LOAD_SECONDS: String(settings.seconds),
    LOAD_P99_MS: String(settings.p99MsMax),
    LOAD_SKU: settings.sku,
  };
  const outcome = await runK6(k6, {
    script: settings.script.name,
    environment,
    folder,
    log,
  });
  for (const order of outcome.tally.yeses) run.acknowledged.push(`${name}-${order}${settings.sku}`);
  return outcome;
}

function machineOf({ k6, holdfast, config }: Run, cores: number, loadBefore: number): string[] {
  return [
    `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cores} cores for everything, the load generator included`,
    `Node ${process.versions.node}`,
    ...holdfast.routes,
    k6.route,
    `an answer means: ${config.ack}`,
    `load of the machine before: ${loadBefore.toFixed(2)}`,
  ];
}

/** @returns where it is kept */
async function keepReport(report: LoadReport, script: string, dataFolder: string): Promise<string> {
  const folder = resolve(dataFolder, 'load');
  await mkdir(folder, { recursive: true });
  const time = report.startedAt.toISOString().slice(0, 19).replaceAll(':', '-');
  const file = join(folder, `${script}-${time}.html`);
  await writeFile(file, await drawReport(report));
  return file;
}

runMain(USAGE, 2, main);
