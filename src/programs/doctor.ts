/**
 * `npm run doctor`: looks at stores, settings, rights, clocks, ports, disk and worker, and says of each what is wrong and what to
 * do. Exit code 0: nothing fails. 1: something does. 2: it could not look.
 */
import { parseArgs } from 'node:util';
import { takeConfig, WrongConfiguration } from '../config.ts';
import { examine } from '../doctor/doctor.ts';
import { type Finding, fail } from '../doctor/finding.ts';
import { findRunning } from './running.ts';

const HELP = `npm run doctor -- [options]
  --json   the findings as JSON

It takes the stores from the environment, else from the "npm start" that runs on the data folder, and changes nothing.`;

const MARKS: Record<Finding['state'], string> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' };

async function findings(): Promise<Finding[]> {
  let config: ReturnType<typeof takeConfig>;
  try {
    config = takeConfig({});
  } catch (error) {
    if (!(error instanceof WrongConfiguration)) throw error;
    return error.problems.map((problem) => fail('configuration', problem));
  }
  const isNamed = config.redisUrl !== undefined || config.databaseUrl !== undefined;
  const running = isNamed ? undefined : await findRunning(config.dataFolder);
  return examine(running ? { ...config, ...running } : config);
}

function lineOf({ check, state, says, remedy }: Finding): string {
  return `${MARKS[state]} ${check.padEnd(16)} ${says}${remedy === undefined ? '' : `\n${' '.repeat(22)}-> ${remedy}`}`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const all = await findings();
  const count = (state: Finding['state']) => all.filter((finding) => finding.state === state).length;
  if (values.json) console.log(JSON.stringify({ ok: count('fail') === 0, findings: all }, undefined, 2));
  else {
    for (const finding of all) console.log(lineOf(finding));
    console.log(`${count('ok')} well, ${count('warn')} to improve, ${count('fail')} failing`);
  }
  return count('fail') === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
