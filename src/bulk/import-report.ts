/**
 * The report of an import, for people and for programs. Promises: it says what to do next.
 */
import type { ImportRequest, ImportResult } from './importing.ts';
import { grouped } from './progress.ts';

/** The report for programs. */
export function account({ name, outcomes, end, error, seconds }: ImportResult) {
  return {
    name,
    end,
    error: error instanceof Error ? error.message : error,
    rows: outcomes.rows,
    ...outcomes.counts,
    seconds,
    rowsPerSecond: outcomes.rows / seconds,
    memoryMaxBytes: process.resourceUsage().maxRSS * 1_024,
    failures: outcomes.failures,
  };
}

const ENDS: Record<Exclude<ImportResult['end'], 'complete'>, string> = {
  'too-many-rejects': 'STOPPED: too many rows failed, so the file may be wrong as a whole.',
  stopped: 'STOPPED by a signal.',
  reopened:
    'The partition was opened anew meanwhile (a failover, a rebuild or another worker): what was not in the ledger by then may be missing.',
  failed: 'FAILED.',
};

/** The report for people: what failed, the sums, and what to do next. */
export function accountText(
  request: Pick<ImportRequest, 'file' | 'what' | 'resultsPath'>,
  result: ImportResult,
  isDryRun: boolean,
): string {
  const { file, what } = request;
  const { name, outcomes, end, error, seconds } = result;
  const { rows, counts, failures, failed, remarks } = outcomes;
  const perSecond = grouped(Math.round(rows / Math.max(seconds, 0.001)));
  const memory = Math.round(process.resourceUsage().maxRSS / 1_024);
  const lines = failures.map(({ row, outcome, detail }) => `  row ${row} ${outcome}: ${detail}`);
  if (failed > failures.length) lines.push(`  and ${grouped(failed - failures.length)} more`);
  const sums = isDryRun
    ? `valid ${grouped(counts.done)}, invalid ${grouped(counts.invalid)}; nothing was sent`
    : Object.entries(counts)
        .map(([outcome, count]) => `${outcome} ${grouped(count)}`)
        .join(', ');
  lines.push(
    `${what} from ${file.label}${name === undefined ? '' : ` as ${name}`}: ${grouped(rows)} rows in ${seconds.toFixed(1)} s ` +
      `(${perSecond} rows/s, at most ${memory} MB): ${sums}`,
  );
  if (end !== 'complete') lines.push(ENDS[end]);
  if (error !== undefined) lines.push(error instanceof Error ? error.message : String(error));
  if (isDryRun) return lines.join('\n');
  if (rows > 0 && counts.replayed === rows) lines.push('All of it was imported before; nothing was changed.');
  if (remarks > 0) lines.push(`${grouped(remarks)} rows have a remark in the results.`);
  if (failed + remarks > 0 && request.resultsPath === undefined)
    lines.push('--results FILE keeps the outcome of every row.');
  if ((failed > 0 || end !== 'complete') && name !== undefined) {
    lines.push(
      `To go on, run it again with --name ${name}, rows in the same order: what is done stays as it is. ` +
        'Under another name (a file that was changed has another by itself) every row would be received again.',
    );
  }
  return lines.join('\n');
}
