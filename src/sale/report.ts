/**
 * Output of `npm run sale`: a progress line, and figures at the end.
 * Promises: on a terminal the progress line is overwritten; elsewhere there is one line a second, so that a log stays
 * readable.
 */
import { percentile, type Tally } from './buyers.ts';
import type { Wanted } from './orders.ts';

const REDRAW_MS = 100;
const LOG_MS = 1_000;

/** Shows `line()` repeatedly. @returns a function that shows it a last time and stops */
export function showProgress(line: () => string): () => void {
  const isTerminal = process.stdout.isTTY === true;
  const draw = () => process.stdout.write(isTerminal ? `\r\u001b[2K${line()}` : `${line()}\n`);
  const timer = setInterval(draw, isTerminal ? REDRAW_MS : LOG_MS);
  return () => {
    clearInterval(timer);
    draw();
    if (isTerminal) process.stdout.write('\n');
  };
}

/** The progress line. @param total number of orders @param startedMs on the clock of `performance.now()` */
export function tallyLine(tally: Tally, total: number, startedMs: number): string {
  const seconds = Math.max(0.001, (performance.now() - startedMs) / 1_000);
  const bar = '#'.repeat(Math.round((20 * tally.decided) / total)).padEnd(20, '.');
  const parts = [`reserved ${tally.reserved}`, `refused ${tally.refused}`];
  if (tally.counted > 0) parts.push(`refused during a count ${tally.counted}`);
  if (tally.confirmed) parts.push(`confirmed ${tally.confirmed}`);
  if (tally.released) parts.push(`cancelled ${tally.released}`);
  if (tally.abandoned) parts.push(`abandoned ${tally.abandoned}`);
  if (tally.repeats) parts.push(`repeated ${tally.repeats}`);
  return `[${bar}] ${tally.decided}/${total}  ${parts.join('  ')}  ${Math.round(tally.decided / seconds)}/s`;
}

/** Latency percentiles of the reserve calls. @param startedMs on the clock of `performance.now()` */
export function latencyLine(tally: Tally, startedMs: number): string {
  const sorted = [...tally.reserveLatenciesMs].sort((a, b) => a - b);
  const at = (share: number) => `${percentile(sorted, share).toFixed(1)} ms`;
  const seconds = Math.max(0.001, (tally.finishedMs - startedMs) / 1_000);
  return (
    `reserve over HTTP: ${sorted.length} answers in ${seconds.toFixed(2)} s (${Math.round(sorted.length / seconds)}/s), ` +
    `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${at(1)}`
  );
}

const ARTICLES_SHOWN = 10;

/** A table of the articles in highest demand. @param left units available at the end, by SKU */
export function articlesText(wanted: Wanted, tally: Tally, left: ReadonlyMap<string, number>): string {
  const byDemand = [...wanted.demand].sort((a, b) => b[1] - a[1]);
  const units = byDemand.reduce((sum, [, demand]) => sum + demand, 0);
  const empty = byDemand.filter(([sku]) => left.get(sku) === 0).length;
  const rows = byDemand.slice(0, ARTICLES_SHOWN).map(([sku, demand]) => {
    const stock = wanted.stock.get(sku) ?? 0;
    const taken = stock - (left.get(sku) ?? 0);
    const cells = [
      (wanted.names.get(sku) ?? sku).padEnd(24),
      String(demand).padStart(7),
      String(stock).padStart(7),
      String(taken).padStart(7),
      String(tally.shortOrders.get(sku) ?? 0).padStart(8),
    ];
    return `  ${cells.join(' ')}${taken === stock ? '  sold out' : ''}`;
  });
  return [
    `${wanted.orders.length} orders of ${units} units over ${wanted.demand.size} articles; ` +
      `${tally.shortOrders.size} articles were short for somebody, ${empty} are sold out at the end`,
    `  ${'article'.padEnd(24)}  wanted   stock   taken  refused`,
    ...rows,
  ].join('\n');
}
