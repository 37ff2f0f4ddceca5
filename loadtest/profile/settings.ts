/** What one profile was asked for. Promises: a wrong option is named, with what would be right. */
import { parseArgs } from 'node:util';
import { WrongOption } from '../bench/settings.ts';

export const SUBJECTS = ['http', 'waits', 'engine', 'lua', 'redis'] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface Settings {
  readonly subject: Subject;
  /** Length of what is profiled, behind its warm-up. Lua is counted, not timed. */
  readonly seconds: number;
  /** Articles that orders are spread over; undefined: as the subject has it. */
  readonly skus: number | undefined;
  /** Where the picture goes. */
  readonly out: string;
}

const SECONDS_DEFAULT = 10;
const SECONDS_MAX = 600;
const SKUS_MAX = 100_000;

export const USAGE = `Usage: npm run profile -- ${SUBJECTS.join('|')} [options]

  http            the API, 100 connections, every answer on disk: node's profiler in the server's process
  waits           where a request of the API waits, at 70 % of its highest rate, without and with a worker; needs wrk
  engine          the engine in one process, 512 callers: node's profiler
  lua             the Lua program: counted instructions, the same on every machine; needs lua5.1
  redis           redis-server under the load of the engine: needs Linux and perf
  --seconds N     how long, 1 to ${SECONDS_MAX} (default ${SECONDS_DEFAULT}; lua has no use for it)
  --skus N        orders for N articles in turn (default one; lua counts one and 1000 beside each other)
  --out FILE      the picture (default .holdfast/profile/<subject>.svg; waits has none)
  --help          this page
`;

/** @throws {WrongOption} with a message for the person at the keyboard */
export function readSettings(argv: readonly string[]): Settings | 'help' {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    throw new WrongOption(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  const subject = SUBJECTS.find((known) => known === positionals[0]);
  if (!subject || positionals.length > 1) throw new WrongOption(`say one of ${SUBJECTS.join(', ')}`);
  return {
    subject,
    seconds: values.seconds === undefined ? SECONDS_DEFAULT : whole('seconds', values.seconds, SECONDS_MAX),
    skus: values.skus === undefined ? undefined : whole('skus', values.skus, SKUS_MAX),
    out: values.out ?? `.holdfast/profile/${subject}.svg`,
  };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      skus: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new WrongOption(`--${name} ${text}: give a whole number from 1 to ${max}`);
  }
  return value;
}
