/**
 * The benchmark, in one command: `npm run bench`. Starts its own Redis and Postgres in a temporary folder, runs the
 * sections one after the other, prints each table as soon as it is there, and leaves nothing behind, Ctrl-C included.
 */
import { against } from './against.ts';
import { cost } from './cost.ts';
import { engine } from './engine.ts';
import { expiry } from './expiry.ts';
import { type Bench, type Figure, Incomplete, type Section } from './figures.ts';
import { runGuard } from './guard.ts';
import { http } from './http.ts';
import { importing } from './import.ts';
import { peers } from './peers.ts';
import { redisTime } from './redis-time.ts';
import { describe, loadNow, lookAround, type SectionResult, summary, table, writeJson } from './report.ts';
import { readSettings, type SectionName, USAGE, WrongOption } from './settings.ts';
import { type Stores, startStores } from './stores.ts';
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

/** What a shell reports of a program that was ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(): Promise<number> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === 'help') {
    console.log(USAGE);
    return 0;
  }
  const other = settings.against === undefined ? undefined : await against(settings.against);
  const progress = (line: string) => console.error(`  ${line}`);
  progress('starting Redis');
  const stores = await startStores(progress);
  stopOnSignals(stores);
  try {
    const bench = { settings, stores, known: [], progress };
    return await (settings.guard ? runGuard(bench) : runSections(bench, other));
  } finally {
    await stores.stop();
  }
}

/** A section that fails has no figures; the others still have theirs, and the exit code tells. */
async function runSections(bench: Bench, other: Section | undefined): Promise<number> {
  const { settings, stores } = bench;
  const around = await lookAround(stores.folder, stores.redisRoute);
  console.log(describe(around));
  const results: SectionResult[] = [];
  const sections = other
    ? [['against', other] as const]
    : settings.only.map((name) => [name, SECTIONS[name]] as const);
  for (const [name, section] of sections) {
    console.error(`${name}:`);
    const result = await runSection(bench, name, section);
    bench.known.push(...result.figures);
    results.push(result);
    console.log(table(result, section.rows));
  }
  console.log(summary(results));
  if (settings.json !== undefined) await writeJson(settings.json, around, settings, results);
  return results.some((result) => result.failure) ? 1 : 0;
}

async function runSection(
  bench: Bench,
  name: SectionResult['section'],
  section: Section,
): Promise<SectionResult> {
  const loadBefore = loadNow();
  const startedMs = performance.now();
  let figures: readonly Figure[] = [];
  let failure: string | undefined;
  try {
    figures = await section.run(bench);
  } catch (error) {
    if (error instanceof Incomplete) figures = error.figures;
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return {
    section: name,
    title: section.title,
    seconds: (performance.now() - startedMs) / 1_000,
    loadBefore,
    loadAfter: loadNow(),
    figures,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** A second Ctrl-C ends at once; the servers are told to end in any case. */
function stopOnSignals(stores: Stores): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error('\nstopping');
      void stores.stop().finally(() => process.exit(INTERRUPTED));
    });
  }
}

main().then(
  (code) => {
    process.exitCode = code;
    // A guard that gave up has something under way still.
    if (process.argv.includes('--guard')) process.exit();
  },
  (error: unknown) => {
    console.error(error instanceof WrongOption ? `${error.message}\n\n${USAGE}` : error);
    process.exitCode = 1;
  },
);
