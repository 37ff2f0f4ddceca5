/**
 * `npm run faults`: breaks a Holdfast in many ways and compares what buyers were told with what is there afterwards.
 * Exit code 0 where every promise was kept and every control failed, 1 where not, 2 where the laboratory itself failed.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { closeOnSignals, runMain, Unavailable } from '../command.ts';
import { type Experiment, nothingHappened, playRun, type Result } from './experiment.ts';
import { Laboratory } from './laboratory.ts';
import { faultsOf, type Row, tables, totalsOf } from './report.ts';
import { Scene } from './scene.ts';
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
  try {
    for (const experiment of settings.experiments) {
      const row = await playAll(lab, experiment, settings, log);
      rows.push(row);
      const faults = faultsOf(row);
      const verdict = row.skipped ?? (faults.length > 0 ? faults.join('; ') : 'as promised');
      progress(`${experiment.name}: ${verdict}`);
    }
  } finally {
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

/** All runs of one experiment, on one scene as long as that lives. */
async function playAll(
  lab: Laboratory,
  experiment: Experiment,
  settings: Settings,
  log: (line: string) => void,
): Promise<Row> {
  const results: Result[] = [];
  const runs = settings.runs ?? experiment.runs;
  let scene: Scene | undefined;
  try {
    for (let run = 0; run < runs; run++) {
      log(`--- ${experiment.name} ${run + 1}`);
      let result: Result;
      try {
        scene ??= await Scene.open(lab, experiment.scene);
        result = await playRun(experiment, scene, run, (settings.seed + run * 7_919) % 2 ** 32);
      } catch (error) {
        if (error instanceof Unavailable) throw error;
        result = nothingHappened(error);
      }
      results.push(result);
      progress(`${experiment.name} ${run + 1}/${runs}: ${lineOf(result)}`);
      for (const difference of result.differences.slice(0, 5)) log(`difference: ${difference}`);
      if (result.stuck === undefined && result.differences.length === 0) continue;
      // What is wrong in this one would be found again in each that follows.
      await scene?.close();
      scene = undefined;
    }
    return { experiment, results };
  } catch (error) {
    if (error instanceof Unavailable && results.length === 0)
      return { experiment, results, skipped: error.message };
    throw error;
  } finally {
    await scene?.close();
  }
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
