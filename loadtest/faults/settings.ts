/** The options of `npm run faults`. */
import type { EngineChoice } from '../../src/local/redis-engines.ts';
import { oneOf, parseOptions, WrongOption, wholeNumber } from '../command.ts';
import type { Experiment } from './experiment.ts';
import { EXPERIMENTS } from './experiment-list.ts';

export interface Settings {
  readonly experiments: readonly Experiment[];
  /** Runs of each; undefined: those of the long form. */
  readonly runs: number | undefined;
  readonly seed: number;
  readonly json: boolean;
  readonly engine: EngineChoice;
}

const RUNS_MAX = 10_000;
const SEED_MAX = 2 ** 32 - 1;

const named = ({ name, title, mustFail }: Experiment): string =>
  `  ${name.padEnd(28)} ${title}${mustFail ? ` (control: must be ${mustFail})` : ''}`;

export const USAGE = `Usage: npm run faults -- [options]

Breaks a Holdfast in every way that is listed here, on servers of its own, and compares what buyers were told with what is there
afterwards. Each control lacks one mechanism or setting and has to fail.

${EXPERIMENTS.map(named).join('\n')}

  --only a,b     groups or names of experiments: --only failover,restore/ledger
  --runs N       runs of each, 1 to ${RUNS_MAX} (default: what docs/reliability.md quotes, hours)
  --seed N       the schedule of all runs, 0 to ${SEED_MAX} (default: the time)
  --redis WHICH  debian (default: Redis 7.0, or what is installed), valkey (9), or the path of a server
  --json         results as JSON instead of tables
  --help         this page
`;

/** @throws {WrongOption} */
export function readSettings(argv: readonly string[]): Settings | 'help' {
  const { values, positionals } = parseOptions(argv, {
    only: { type: 'string' },
    runs: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
    redis: { type: 'string' },
  });
  if (values.help) return 'help';
  if (positionals.length > 0)
    throw new WrongOption(`${JSON.stringify(positionals[0])}: name experiments with --only`);
  return {
    experiments: chosen(values.only),
    runs: values.runs === undefined ? undefined : wholeNumber('--runs', values.runs, 1, RUNS_MAX),
    seed: values.seed === undefined ? Date.now() % SEED_MAX : wholeNumber('--seed', values.seed, 0, SEED_MAX),
    json: values.json ?? false,
    engine: engineOf(values.redis ?? 'debian'),
  };
}

function engineOf(text: string): EngineChoice {
  return text.startsWith('/') ? (text as `/${string}`) : oneOf('server', text, ['debian', 'valkey', 'path']);
}

function chosen(only: string | undefined): readonly Experiment[] {
  if (only === undefined) return EXPERIMENTS;
  const words = only.split(',').map((word) => word.trim());
  const fits = (word: string) =>
    EXPERIMENTS.filter(({ name }) => name === word || name.startsWith(`${word}/`));
  for (const word of words) {
    if (fits(word).length > 0) continue;
    const groups = [...new Set(EXPERIMENTS.map(({ name }) => name.split('/')[0]))].join(', ');
    throw new WrongOption(`--only ${JSON.stringify(word)}: there are ${groups}, and their experiments`);
  }
  return EXPERIMENTS.filter((experiment) => words.some((word) => fits(word).includes(experiment)));
}
