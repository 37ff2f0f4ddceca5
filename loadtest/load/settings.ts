/** The options of `npm run load`. */
import { parseOptions, WrongOption, wholeNumber } from '../command.ts';
import { type Load, SCRIPTS, type Script } from './scripts.ts';

export interface LoadSettings extends Load {
  readonly script: Script;
  readonly quick: boolean;
  /** The last part of every SKU, any text that a SKU may have. */
  readonly sku: string;
  /** 99 % of all answers must come within this time, as k6 waits for them. */
  readonly p99MsMax: number;
}

/** Far beyond what one k6 can send; it bounds how much stock the shop gets. */
const RATE_MAX = 1_000_000;
/** Half a day. */
const SECONDS_MAX = 43_200;
const SECONDS_MIN = 4;
/** Generous: one second on a busy machine is no defect. The report has the usual values. */
const P99_MS_DEFAULT = 1_000;
const P99_MS_MAX = 60_000;

const named = ({ name, title, full }: Script) =>
  `  ${name.padEnd(22)} ${title} (${full.rate.toLocaleString('en')}/s, ${full.seconds} s)`;

export const USAGE = `Usage: npm run load -- <script> [options]

${SCRIPTS.map(named).join('\n')}

  --rate N         orders a second of the main scenario, in an open loop
  --seconds N      how long, ${SECONDS_MIN} to ${SECONDS_MAX}
  --quick          a first look in about 20 seconds
  --sku TEXT       ends every SKU, and names orders and warehouses too: --sku '茶/烏龍 500g'
  --help           this page

Environment: LOAD_P99_MS, the bound for 99 % of all answers (default ${P99_MS_DEFAULT}); and the settings of Holdfast itself,
such as HOLDFAST_ACK.
`;

/** @throws {WrongOption} */
export function readSettings(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): LoadSettings | 'help' {
  const { values, positionals } = parseOptions(argv, {
    rate: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean' },
    sku: { type: 'string' },
  });
  if (values.help || argv.length === 0) return 'help';
  const script = SCRIPTS.find(({ name }) => name === positionals[0]);
  if (!script || positionals.length > 1) {
    const names = SCRIPTS.map(({ name }) => name).join(', ');
    throw new WrongOption(`${JSON.stringify(positionals.join(' '))} is no script; there are ${names}`);
  }
  const quick = values.quick ?? false;
  const { rate, seconds } = quick ? script.quick : script.full;
  const p99 = environment.LOAD_P99_MS || String(P99_MS_DEFAULT);
  return {
    script,
    quick,
    rate: wholeNumber('--rate', values.rate ?? String(rate), 1, RATE_MAX),
    seconds: wholeNumber('--seconds', values.seconds ?? String(seconds), SECONDS_MIN, SECONDS_MAX),
    sku: values.sku ?? '',
    p99MsMax: wholeNumber('LOAD_P99_MS', p99, 1, P99_MS_MAX),
  };
}
