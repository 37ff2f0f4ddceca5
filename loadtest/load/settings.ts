/** What one load run was asked for. Promises: a wrong option is named, with what would be right. */
import { parseArgs } from 'node:util';
import { type Load, SCRIPTS, type Script } from './scripts.ts';

export interface LoadSettings extends Load {
  readonly script: Script;
  readonly quick: boolean;
  /** A file of baskets, one a line, articles separated by commas. */
  readonly baskets: string | undefined;
  /** 99 % of all answers must come within this time, as k6 waits for them. */
  readonly p99MsMax: number;
}

export class WrongOption extends Error {}

/** Far beyond what one k6 can send; it bounds what the shop is filled with. */
const RATE_MAX = 1_000_000;
/** Half a day. */
const SECONDS_MAX = 43_200;
const SECONDS_MIN = 4;
/** Generous: one second on a busy machine is no defect. What is normal stands in the report. */
const P99_MS_DEFAULT = 1_000;
const P99_MS_MAX = 60_000;

const named = ({ name, title, full }: Script) =>
  `  ${name.padEnd(22)} ${title} (${full.rate.toLocaleString('en')}/s, ${full.seconds} s)`;

export const USAGE = `Usage: npm run load -- <script> [options]

${SCRIPTS.map(named).join('\n')}

  --rate N         orders a second of the main scenario, in an open loop
  --seconds N      how long, ${SECONDS_MIN} to ${SECONDS_MAX}
  --quick          a first look in about 20 seconds
  --baskets FILE   mixed-baskets: these baskets instead of made-up ones; one a line, articles separated by commas
  --help           this page

Environment: LOAD_P99_MS, the bound for 99 % of all answers (default ${P99_MS_DEFAULT}); and the settings of Holdfast itself,
such as HOLDFAST_ACK.
`;

/** @throws {WrongOption} with a message for the person at the keyboard */
export function readSettings(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): LoadSettings | 'help' {
  const { values, positionals } = parse(argv);
  if (values.help || argv.length === 0) return 'help';
  const [name = '', ...more] = positionals;
  const script = SCRIPTS.find((known) => known.name === name);
  if (!script || more.length > 0) {
    const names = SCRIPTS.map((known) => known.name).join(', ');
    throw new WrongOption(`${JSON.stringify(positionals.join(' '))} is no script; there are ${names}`);
  }
  if (values.baskets !== undefined && !script.takesBaskets) {
    throw new WrongOption(`--baskets: ${name} has no baskets; mixed-baskets has`);
  }
  const quick = values.quick ?? false;
  const { rate, seconds } = quick ? script.quick : script.full;
  const p99 = environment.LOAD_P99_MS || String(P99_MS_DEFAULT);
  return {
    script,
    quick,
    rate: whole('--rate', values.rate ?? String(rate), 1, RATE_MAX),
    seconds: whole('--seconds', values.seconds ?? String(seconds), SECONDS_MIN, SECONDS_MAX),
    baskets: values.baskets,
    p99MsMax: whole('LOAD_P99_MS', p99, 1, P99_MS_MAX),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        rate: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean' },
        baskets: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new WrongOption(error instanceof Error ? error.message : String(error));
  }
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new WrongOption(`${name} ${text}: give a whole number from ${min} to ${max}`);
  }
  return value;
}
