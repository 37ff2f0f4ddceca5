/**
 * `npm run bench`: starts its own Redis and Postgres in a temporary folder, runs the sections one after the other, prints
 * each table as soon as it is there, and leaves nothing behind, also after Ctrl-C.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawPicture } from '../chart.ts';
import { closeOnSignals, runMain } from '../command.ts';
import { against } from './against.ts';
import { cost } from './cost.ts';
import { expiry } from './expiry.ts';
import { type Bench, type Figure, Incomplete, type Section } from './figures.ts';
import { runGuard } from './guard.ts';
import { http } from './http.ts';
import { importing } from './import.ts';
import { engine, peers } from './peers.ts';
import { redisTime } from './redis-time.ts';
import {
  describe,
  loadNow,
  lookAround,
  notesOf,
  type Report,
  type SectionResult,
  summary,
  table,
  writeJson,
} from './report.ts';
import { readSettings, type SectionName, USAGE } from './settings.ts';
import { startStores } from './stores.ts';
import { worker } from './worker.ts';

const SECTIONS: Readonly<Record<SectionName, Section>> = {
  engine,
  'redis-time': redisTime,
  http,
  worker,
  expiry,
  import: importing,
  peers,
  cost,
};

async function main(): Promise<number> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === 'help') {
    console.log(USAGE);
    return 0;
  }
  if (settings.redraw !== undefined) {
    await drawCharts(JSON.parse(await readFile(settings.redraw, 'utf8')) as Report, settings.charts);
    return 0;
  }
  const other = settings.against === undefined ? undefined : await against(settings.against);
  const progress = (line: string) => console.error(`  ${line}`);
  progress('starting Redis');
  const stores = await startStores(progress);
  closeOnSignals(() => stores.stop());
  try {
    const bench = { settings, stores, known: [], progress };
    return await (settings.guard ? runGuard(bench) : runSections(bench, other));
  } finally {
    await stores.stop();
    // A guard that gave up still has something under way.
    if (settings.guard) setImmediate(() => process.exit());
  }
}

/** A section that fails has no figures; the others still have theirs, and the exit code tells. */
async function runSections(bench: Bench, other: Section | undefined): Promise<number> {
  const { settings, stores } = bench;
  const surroundings = await lookAround(stores.folder, stores.redisRoute);
  console.log(describe(surroundings));
  const report = { at: new Date().toISOString(), surroundings, settings };
  const results: SectionResult[] = [];
  const sections = other
    ? [['against', other] as const]
    : settings.only.map((name) => [name, SECTIONS[name]] as const);
  for (const [name, section] of sections) {
    console.error(`${name}:`);
    const result = await runSection(bench, name, section);
    bench.known.push(...result.figures);
    results.push(result);
    console.log(table(result));
    if (!section.picture || result.figures.length === 0) continue;
    await drawCharts({ ...report, results: [result] }, settings.charts);
    await writeJson(join(settings.charts, `${name}.json`), { ...report, results: [result] });
  }
  console.log(summary(results));
  if (settings.json !== undefined) await writeJson(settings.json, { ...report, results });
  return results.some((result) => result.failure) ? 1 : 0;
}

async function runSection(
  bench: Bench,
  section: SectionResult['section'],
  { title, run }: Section,
): Promise<SectionResult> {
  const loadBefore = loadNow();
  const startedMs = performance.now();
  let figures: readonly Figure[] = [];
  let failure: string | undefined;
  try {
    figures = await run(bench);
  } catch (error) {
    if (error instanceof Incomplete) figures = error.figures;
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const loads = { loadBefore, loadAfter: loadNow() };
  return { section, title, seconds, ...loads, figures, ...(failure === undefined ? {} : { failure }) };
}

async function drawCharts(report: Report, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { section, figures } of report.results) {
    const picture = section === 'against' ? undefined : SECTIONS[section].picture?.(figures);
    if (!picture) continue;
    const file = join(folder, `${section}.svg`);
    await writeFile(file, await drawPicture({ ...picture, notes: notesOf(report) }));
    console.error(`  chart: ${file}`);
  }
}

runMain(USAGE, 1, main);
