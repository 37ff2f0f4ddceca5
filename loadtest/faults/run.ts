/**
 * `npm run faults`: breaks a Holdfast in many ways and compares what buyers were told with what is there afterwards.
 * Exit code 0 where every promise was kept and every control failed, 1 where not, 2 where the laboratory itself failed.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { closeOnSignals, runMain, Unavailable } from '../command.ts';
import { type Experiment, nothingHappened, playRun, type Result } from './experiment.ts';
import { Laboratory } from './laboratory.ts';
import { faultsOf, type Row, tables, totalsOf } from './report.ts';
import { Scene, type SceneOptions } from './scene.ts';
import { readSettings, type Settings, USAGE } from './settings.ts';

/** Warnings of all programs and servers of the last run: long, and only for whoever looks into a failure. */
const LOG_FOLDER = '.holdfast/faults';

const progress = (line: string) => console.error(`  ${line}`);

async function main(): Promise<number> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === 'help') {
    console.log(USAGE);
    return 0;
  }
  mkdirSync(LOG_FOLDER, { recursive: true });
  const file = `${LOG_FOLDER}/${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.log`;
  const log = (text: string) => appendFileSync(file, `${new Date().toISOString()} ${text}\n`);
  progress(`seed ${settings.seed}; warnings of all programs go to ${file}`);
  const lab = await Laboratory.open(log, settings.engine);
  progress(lab.redisProgram.route);
  progress(lab.postgresPrograms.binaries.route);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= lab.close();
    return closed;
  };
  closeOnSignals(close);
  const rows: Row[] = [];
  const scenes = new Scenes(lab);
  try {
    for (const experiment of settings.experiments) {
      const row = await playAll(scenes, experiment, settings, log);
      rows.push(row);
      const faults = faultsOf(row);
      const verdict = row.skipped ?? (faults.length > 0 ? faults.join('; ') : 'as promised');
      progress(`${experiment.name}: ${verdict}`);
    }
  } finally {
    await scenes.close();
    await close();
    if (rows.length > 0) console.log(settings.json ? jsonOf(rows, settings) : tables(rows));
  }
  const faults = rows.flatMap((row) => faultsOf(row).map((fault) => `${row.experiment.name}: ${fault}`));
  for (const fault of faults) console.error(`FAILED ${fault}`);
  return faults.length > 0 ? 1 : 0;
}

function jsonOf(rows: readonly Row[], { seed }: Settings): string {
  const results = rows.map((row) => ({
    name: row.experiment.name,
    title: row.experiment.title,
    ...(row.experiment.mustFail ? { mustFail: row.experiment.mustFail } : {}),
    ...(row.skipped === undefined ? {} : { skipped: row.skipped }),
    ...totalsOf(row),
    faults: faultsOf(row),
  }));
  return JSON.stringify({ seed, results }, undefined, 2);
}

/** The scene that is there, for as long as experiments of the same kind follow each other and nothing is wrong with it. */
class Scenes {
  readonly #lab: Laboratory;
  #scene: Scene | undefined;

  constructor(lab: Laboratory) {
    this.#lab = lab;
  }

  async of(options: SceneOptions): Promise<Scene> {
    if (this.#scene && !isDeepStrictEqual(this.#scene.options, options)) await this.close();
    this.#scene ??= await Scene.open(this.#lab, options);
    return this.#scene;
  }

  /** What is wrong in this one would be found again in each run that follows. */
  async close(): Promise<void> {
    const scene = this.#scene;
    this.#scene = undefined;
    await scene?.close();
  }
}

/** All runs of one experiment. */
async function playAll(
  scenes: Scenes,
  experiment: Experiment,
  settings: Settings,
  log: (line: string) => void,
): Promise<Row> {
  const results: Result[] = [];
  const runs = settings.runs ?? experiment.runs;
  let skipped: string | undefined;
  for (let run = 0; run < runs; run++) {
    log(`--- ${experiment.name} ${run + 1}`);
    let scene: Scene;
    try {
      scene = await scenes.of(experiment.scene);
    } catch (error) {
      if (error instanceof Unavailable) return { experiment, results, skipped: error.message };
      // A machine that is too busy to start the servers says nothing about the fault.
      skipped = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      progress(`${experiment.name} ${run + 1}/${runs}: could not be set up: ${skipped}`);
      continue;
    }
    let result: Result;
    try {
      result = await playRun(experiment, scene, run, (settings.seed + run * 7_919) % 2 ** 32);
    } catch (error) {
      if (error instanceof Unavailable) return { experiment, results, skipped: error.message };
      result = nothingHappened(error);
    }
    results.push(result);
    progress(`${experiment.name} ${run + 1}/${runs}: ${lineOf(result)}`);
    for (const difference of result.differences.slice(0, 5)) log(`difference: ${difference}`);
    if (result.stuck !== undefined || result.differences.length > 0) await scenes.close();
  }
  return results.length === 0 && skipped !== undefined
    ? { experiment, results, skipped }
    : { experiment, results };
}

function lineOf(result: Result): string {
  const { acknowledged, lost, listedById, listedByRange, oversold, soldAgain, twice, firstAgainS, stuck } =
    result;
  const parts = [
    `${acknowledged} acknowledged`,
    `${lost.length} lost${lost.length > 0 ? ` (${listedById} by id, ${listedByRange} by range)` : ''}`,
    `${oversold} oversold`,
    ...(soldAgain > 0 ? [`${soldAgain} of the lost sold again`] : []),
    ...(twice > 0 ? [`${twice} deducted twice`] : []),
    `first again after ${firstAgainS?.toFixed(2) ?? '-'} s`,
    ...result.commands,
    ...(stuck === undefined ? [] : [stuck]),
    ...result.differences.slice(0, 1),
  ];
  return parts.join(', ');
}

runMain(USAGE, 2, main);
