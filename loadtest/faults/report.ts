/** The tables of `npm run faults`: experiments beside their controls, and what each removal failed by. */
import type { Experiment, Failure, Result } from './experiment.ts';

/** One experiment with all its runs. */
export interface Row {
  readonly experiment: Experiment;
  readonly results: readonly Result[];
  /** Why it was not run. */
  readonly skipped?: string;
}

export interface Totals {
  readonly runs: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly listedById: number;
  readonly listedByRange: number;
  readonly oversold: number;
  readonly soldAgain: number;
  readonly twice: number;
  readonly stuck: number;
  /** Runs in which the stores differ, or an answer was not understood. */
  readonly different: number;
  readonly commands: number;
  /** Of the runs that came back. */
  readonly firstAgainMedianS: number | undefined;
}

/** Sums of all runs. */
export function totalsOf({ results }: Row): Totals {
  const sum = (of: (result: Result) => number) => results.reduce((total, result) => total + of(result), 0);
  const firsts = results.flatMap(({ firstAgainS }) => (firstAgainS === undefined ? [] : [firstAgainS]));
  firsts.sort((a, b) => a - b);
  return {
    runs: results.length,
    acknowledged: sum(({ acknowledged }) => acknowledged),
    lost: sum(({ lost }) => lost.length),
    listedById: sum(({ listedById }) => listedById),
    listedByRange: sum(({ listedByRange }) => listedByRange),
    oversold: sum(({ oversold }) => oversold),
    soldAgain: sum(({ soldAgain }) => soldAgain),
    twice: sum(({ twice }) => twice),
    stuck: sum(({ stuck }) => Number(stuck !== undefined)),
    different: sum(({ differences }) => Number(differences.length > 0)),
    commands: sum(({ commands }) => commands.length),
    firstAgainMedianS: firsts[Math.floor((firsts.length - 1) / 2)],
  };
}

/** What is wrong with a row; none where the promise was kept, or the control failed as it has to. */
export function faultsOf(row: Row): string[] {
  if (row.skipped !== undefined) return [];
  const totals = totalsOf(row);
  const { mustFail, mayLose } = row.experiment;
  const faults: string[] = [];
  if (mustFail) {
    if (!failures(totals).includes(mustFail))
      faults.push(`the control should have been ${mustFail}, and was not`);
    // A control that may lose keeps the rest of the promise.
    if (!mayLose) return faults;
  }
  if (totals.oversold > 0) faults.push(`${totals.oversold} units oversold`);
  if (totals.twice > 0) faults.push(`${totals.twice} orders deducted twice`);
  if (totals.lost > 0 && !mayLose) faults.push(`${totals.lost} acknowledged orders lost`);
  if (failures(totals).includes('unlisted')) faults.push('lost orders that nothing lists');
  if (totals.stuck > 0) faults.push(`${totals.stuck} runs did not come back`);
  // What was lost differs, and is counted as lost.
  if (totals.lost === 0 && totals.different > 0)
    faults.push(`${totals.different} runs in which the stores differ`);
  return faults;
}

function failures(totals: Totals): Failure[] {
  const { lost, oversold, soldAgain, twice, stuck, listedById, listedByRange } = totals;
  const all: [Failure, boolean][] = [
    ['lost', lost > 0],
    ['oversold', oversold > 0],
    ['soldAgain', soldAgain > 0],
    ['twice', twice > 0],
    ['stuck', stuck > 0],
    ['unlisted', lost > listedById + listedByRange],
  ];
  return all.filter(([, happened]) => happened).map(([name]) => name);
}

const HEAD = [
  '| experiment | | runs | acknowledged | lost | of which listed | oversold | first ack again (median s) | commands by a person |',
  '|---|---|---:|---:|---:|---:|---:|---:|---:|',
];

function line(row: Row): string {
  const { name, title, mustFail } = row.experiment;
  if (row.skipped !== undefined) return `| ${name} | skipped: ${row.skipped} | 0 | | | | | | |`;
  const totals = totalsOf(row);
  const listed =
    totals.lost === 0
      ? '-'
      : `${totals.listedById} by id${totals.listedByRange > 0 ? `, ${totals.listedByRange} by range` : ''}`;
  const again = totals.soldAgain > 0 ? `; of the lost ${totals.soldAgain} sold again` : '';
  const twice = totals.twice > 0 ? `; ${totals.twice} deducted twice` : '';
  const stuck = totals.stuck > 0 ? ` (${totals.stuck} runs did not come back)` : '';
  const cells = [
    name,
    `${mustFail ? 'control: ' : ''}${title}`,
    totals.runs,
    totals.acknowledged.toLocaleString('en'),
    totals.lost,
    listed,
    `${totals.oversold}${again}${twice}`,
    `${totals.firstAgainMedianS?.toFixed(1) ?? '-'}${stuck}`,
    totals.commands,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Both tables in Markdown. */
export function tables(rows: readonly Row[]): string {
  const removals = rows.filter(
    ({ experiment, skipped }) => experiment.scene.without && skipped === undefined,
  );
  return [
    ...HEAD,
    ...rows.map(line),
    ...(removals.length === 0
      ? []
      : [
          '',
          '| removed | experiment | the laboratory failed by |',
          '|---|---|---|',
          ...removals.map(removal),
        ]),
  ].join('\n');
}

const FAILED_BY: Readonly<Record<Failure, (totals: Totals) => string>> = {
  lost: ({ lost }) => `${lost} acknowledged orders lost`,
  oversold: ({ oversold }) => `${oversold} units oversold`,
  soldAgain: ({ soldAgain }) => `${soldAgain} units of lost orders sold again`,
  twice: ({ twice }) => `${twice} orders deducted twice`,
  stuck: ({ stuck }) => `${stuck} runs that did not come back`,
  unlisted: ({ lost, listedById, listedByRange }) =>
    `${lost - listedById - listedByRange} lost and not listed`,
};

function removal(row: Row): string {
  const totals = totalsOf(row);
  const words = failures(totals).map((failure) => FAILED_BY[failure](totals));
  return `| ${row.experiment.scene.without?.name} | ${row.experiment.name} | ${words.join(', ') || 'nothing'} |`;
}
