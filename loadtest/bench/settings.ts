/** The options of `npm run bench`. */
import { oneOf, parseOptions, WrongOption, wholeNumber } from '../command.ts';

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
  /** A built checkout to compare with, instead of the sections. */
  readonly against: string | undefined;
  /** A JSON file of an earlier run whose charts are drawn again, instead of the sections. */
  readonly redraw: string | undefined;
  /** Fewer sizes, shorter measurements: a first look in minutes, no figures to quote. */
  readonly quick: boolean;
  /** Turns of each comparison; figures are medians over them. */
  readonly repeats: number;
  /** Length of one measurement, after its warm-up. */
  readonly measureMs: number;
  readonly warmUpMs: number;
  /** Where the figures are written as JSON as well. */
  readonly json: string | undefined;
  /** The folder of peers.svg, cost.svg and their data. */
  readonly charts: string;
}

const REPEATS_MAX = 100;
/** Not docs/: a first look must not replace the figures that are quoted. */
const CHARTS_DEFAULT = '.holdfast/bench';

export const USAGE = `Usage: npm run bench -- [options]

  --only a,b        run these sections alone (default all; engine is a part of peers): ${SECTION_NAMES.join(', ')}
  --quick           fewer sizes, shorter and fewer measurements: a first look
  --repeats N       turns of each comparison, 1 to ${REPEATS_MAX} (default 5, with --quick 2)
  --json FILE       write the figures, their spread and the machine as JSON as well
  --charts FOLDER   write charts and their data here (default ${CHARTS_DEFAULT})
  --redraw FILE     draw the charts again from the data of an earlier run, into --charts
  --against FOLDER  compare with another built checkout, alternated: Redis, Node, HTTP. With --quick only the four cases
                    by which a change is judged: 1 SKU, 1,000 SKUs, payments, releases
  --guard           the regression guard alone: ratios against stored bounds in under a minute
  --help            this page
`;

/** @throws {WrongOption} */
export function readSettings(argv: readonly string[]): Settings | 'help' {
  const { values, positionals } = parseOptions(argv, {
    only: { type: 'string' },
    quick: { type: 'boolean' },
    repeats: { type: 'string' },
    json: { type: 'string' },
    charts: { type: 'string' },
    against: { type: 'string' },
    redraw: { type: 'string' },
    guard: { type: 'boolean' },
  });
  if (values.help) return 'help';
  if (positionals.length > 0) throw new WrongOption(`${positionals[0]} is no option`);
  const { quick = false, guard = false, against, redraw } = values;
  if (against !== undefined && (values.only !== undefined || values.charts !== undefined)) {
    throw new WrongOption('--against takes --quick, --repeats and --json; it has no sections and no charts');
  }
  if (guard && Object.keys(values).length > 1) throw new WrongOption('--guard takes no other option');
  const repeats = String(quick && against === undefined ? 2 : 5);
  return {
    guard,
    against,
    redraw,
    only:
      values.only?.split(',').map((name) => oneOf('section', name, SECTION_NAMES)) ??
      SECTION_NAMES.filter((name) => name !== 'engine'),
    quick,
    repeats: wholeNumber('--repeats', values.repeats ?? repeats, 1, REPEATS_MAX),
    measureMs: quick ? 2_000 : 4_000,
    warmUpMs: 700,
    json: values.json,
    charts: values.charts ?? CHARTS_DEFAULT,
  };
}
