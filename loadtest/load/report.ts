/**
 * The page of one load run: verdict, totals, plots, and the machine it ran on. Promises: one file, nothing fetched, no
 * program in it; every word that came from outside is escaped.
 */
import { type Chart, drawChart, escapeText } from './chart.ts';

export interface Check {
  readonly isFine: boolean;
  readonly text: string;
}

export interface LoadReport {
  readonly script: string;
  readonly title: string;
  readonly command: string;
  readonly startedAt: Date;
  readonly checks: readonly Check[];
  /** What is worth knowing and is neither fine nor wrong. */
  readonly remarks: readonly string[];
  readonly totals: readonly (readonly [name: string, value: string])[];
  readonly charts: readonly Chart[];
  /** The words of the proof over both stores. */
  readonly proof: string;
  readonly machine: readonly string[];
}

export const isPassed = ({ checks }: Pick<LoadReport, 'checks'>): boolean =>
  checks.every(({ isFine }) => isFine);

const STYLE = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; }
.lead { opacity: .75; margin-top: .2rem; }
.verdict { font-weight: 600; padding: .5rem .8rem; border-left: 6px solid; }
.passed { border-color: #3ba272; } .failed { border-color: #c0504d; }
ul.checks { list-style: none; padding: 0; }
table { border-collapse: collapse; } td { padding: .15rem 1.2rem .15rem 0; vertical-align: top; }
td + td { font-variant-numeric: tabular-nums; }
figure { margin: 1.6rem 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 11px; fill: currentColor; }
.grid { stroke: currentColor; stroke-opacity: .15; } .mark { stroke: currentColor; stroke-opacity: .5; stroke-dasharray: 4 3; }
.legend { margin: .2rem 0 0; font-size: .85rem; } .legend span { margin-right: 1rem; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; border-radius: 2px; }
pre { white-space: pre-wrap; } code, pre { font-size: .85rem; }
`;

/** The whole page. */
export function drawReport(report: LoadReport): string {
  const passed = isPassed(report);
  const checks = report.checks.map(
    ({ isFine, text }) => `<li>${isFine ? '✓' : '✗'} ${escapeText(text)}</li>`,
  );
  const remarks = report.remarks.map((remark) => `<p>${escapeText(remark)}</p>`);
  const totals = report.totals.map(
    ([name, value]) => `<tr><td>${escapeText(name)}</td><td>${escapeText(value)}</td></tr>`,
  );
  const machine = report.machine.map((line) => `<li>${escapeText(line)}</li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast under load: ${escapeText(report.script)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeText(report.title)}</h1>
<p class="lead">${escapeText(report.startedAt.toISOString())} · <code>${escapeText(report.command)}</code></p>
<p class="verdict ${passed ? 'passed' : 'failed'}">${passed ? 'Passed' : 'Failed'}</p>
<ul class="checks">
${checks.join('\n')}
</ul>
${remarks.join('\n')}
<h2>Totals</h2>
<table>
${totals.join('\n')}
</table>
<h2>Over time</h2>
${report.charts.map(drawChart).join('\n')}
<h2>Proof over both stores</h2>
<pre>${escapeText(report.proof)}</pre>
<h2>Machine</h2>
<ul>
${machine.join('\n')}
</ul>
</body>
</html>
`;
}

/** The same for a terminal, without the plots. */
export function reportText(report: LoadReport): string {
  const width = Math.max(...report.totals.map(([name]) => name.length));
  return [
    ...report.totals.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...report.remarks,
    ...report.checks.map(({ isFine, text }) => `${isFine ? 'ok    ' : 'FAILED'} ${text}`),
    report.proof,
  ].join('\n');
}
