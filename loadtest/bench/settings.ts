/** What one run of the benchmark was asked for. Promises: a wrong option is named, with what would be right. */
import { parseArgs } from 'node:util';

/** In the order they run: a later one may use what an earlier one found. */
export const SECTION_NAMES = [
  'engine',
  'redis-time',
  'http',
  'worker',
  'expiry',
  'import',
  'peers',
  'cost',
] as const;
export type SectionName = (typeof SECTION_NAMES)[number];

export interface Settings {
  readonly only: readonly SectionName[];
  /** The regression guard instead of the sections. */
  readonly guard: boolean;
  /** A built checkout whose program is measured beside this one's, instead of the sections. */
  readonly against: string | undefined;
  /** Fewer sizes, shorter measurements: a first look in minutes, not figures to quote. */
  readonly quick: boolean;
  /** Turns of each comparison; figures are medians over them. */
  readonly repeats: number;
  /** Length of one measurement, behind its warm-up. */
  readonly measureMs: number;
  readonly warmUpMs: number;
  /** Where the figures are written as JSON, beside the table. */
  readonly json: string | undefined;
  /** The folder of the charts, peers.svg and cost.svg. */
  readonly charts: string;
}

const REPEATS_MAX = 100;
/** Not in docs/: a first look shall not take the place of the figures that are quoted. */
const CHARTS_DEFAULT = '.holdfast/bench';

export const USAGE = `Usage: npm run bench -- [options]

  --only a,b      run these sections alone: ${SECTION_NAMES.join(', ')}
  --quick         fewer sizes, shorter and fewer measurements: a first look
  --repeats N     turns of each comparison, 1 to ${REPEATS_MAX} (default 5, with --quick 2)
  --json FILE     write the figures, their spread and the machine as JSON as well
  --charts FOLDER write the charts here, peers.svg and cost.svg (default ${CHARTS_DEFAULT})
  --against FOLDER  time in Redis of this program and of that of another built checkout, in turn; with --quick,
                  --repeats and --json
  --guard         the regression guard alone: ratios against stored bounds in under a minute; fails on a clear loss
  --help          this page
`;

export class WrongOption extends Error {}

/** @throws {WrongOption} with a message for the person at the keyboard */
export function readSettings(argv: readonly string[]): Settings | 'help' {
  let values: ReturnType<typeof parse>['values'];
  try {
    values = parse(argv).values;
  } catch (error) {
    throw new WrongOption(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return 'help';
  const quick = values.quick ?? false;
  if (values.against !== undefined && (values.only !== undefined || values.charts !== undefined)) {
    throw new WrongOption('--against takes --quick, --repeats and --json, and has no sections and no charts');
  }
  const guard = values.guard ?? false;
  if (guard && Object.keys(values).length > 1) throw new WrongOption('--guard stands alone');
  return {
    guard,
    against: values.against,
    only: values.only === undefined ? SECTION_NAMES : values.only.split(',').map(readSection),
    quick,
    repeats:
      values.repeats === undefined
        ? quick && values.against === undefined
          ? 2
          : 5
        : readRepeats(values.repeats),
    measureMs: quick ? 2_000 : 4_000,
    warmUpMs: 700,
    json: values.json,
    charts: values.charts ?? CHARTS_DEFAULT,
  };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean' },
      repeats: { type: 'string' },
      json: { type: 'string' },
      charts: { type: 'string' },
      against: { type: 'string' },
      guard: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function readSection(text: string): SectionName {
  const name = SECTION_NAMES.find((known) => known === text.trim());
  if (!name)
    throw new WrongOption(`no section ${JSON.stringify(text)}; there are ${SECTION_NAMES.join(', ')}`);
  return name;
}

function readRepeats(text: string): number {
  const repeats = Number(text);
  if (!Number.isInteger(repeats) || repeats < 1 || repeats > REPEATS_MAX) {
    throw new WrongOption(`--repeats ${text}: give a whole number from 1 to ${REPEATS_MAX}`);
  }
  return repeats;
}
