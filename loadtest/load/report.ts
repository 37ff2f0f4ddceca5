/**
 * The page of one load run: verdict, totals, charts, and the machine it ran on. Promises: one file, nothing loaded from
 * outside, no program in it; text from outside is escaped.
 */
import { drawPicture, type Picture } from '../chart.ts';

export interface Check {
  readonly isFine: boolean;
  readonly text: string;
}

export interface LoadReport {
  readonly title: string;
  readonly command: string;
  readonly startedAt: Date;
  readonly checks: readonly Check[];
  /** Worth knowing, neither fine nor wrong. */
  readonly remarks: readonly string[];
  readonly totals: readonly (readonly [name: string, value: string])[];
  readonly picture: Omit<Picture, 'notes'>;
  /** The text of the proof over both stores. */
  readonly proof: string;
  readonly machine: readonly string[];
}

export const isPassed = ({ checks }: Pick<LoadReport, 'checks'>): boolean =>
  checks.every(({ isFine }) => isFine);

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
.verdict { font-weight: 600; padding: .5rem .8rem; border-left: 6px solid; }
.passed { border-color: #009e73; } .failed { border-color: #d55e00; }
ul.checks { list-style: none; padding: 0; }
td { padding: .15rem 1.2rem .15rem 0; vertical-align: top; } td + td { font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; } pre { white-space: pre-wrap; }
`;

/** The whole page. */
export async function drawReport(report: LoadReport): Promise<string> {
  const { title, command, startedAt, checks, remarks, totals, picture, proof, machine } = report;
  const passed = isPassed(report);
  const list = (lines: readonly string[]) => lines.map((line) => `<li>${escapeText(line)}</li>`).join('\n');
  const rows = totals.map((row) => `<tr>${row.map((cell) => `<td>${escapeText(cell)}</td>`).join('')}</tr>`);
  const notes = ['One point a second; a gap is a second without an answer.', ...machine];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast under load: ${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
<p>${startedAt.toISOString()} · <code>${escapeText(command)}</code></p>
<p class="verdict ${passed ? 'passed' : 'failed'}">${passed ? 'Passed' : 'Failed'}</p>
<ul class="checks">
${list(checks.map(({ isFine, text }) => `${isFine ? '✓' : '✗'} ${text}`))}
</ul>
${remarks.map((remark) => `<p>${escapeText(remark)}</p>`).join('\n')}
<table>
${rows.join('\n')}
</table>
${await drawPicture({ ...picture, notes })}
<h2>Proof over both stores</h2>
<pre>${escapeText(proof)}</pre>
<h2>Machine</h2>
<ul>
${list(machine)}
</ul>
</body>
</html>
`;
}

const escapeText = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The same for a terminal, without the charts. */
export function reportText(report: LoadReport): string {
  const width = Math.max(...report.totals.map(([name]) => name.length));
  return [
    ...report.totals.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...report.remarks,
    ...report.checks.map(({ isFine, text }) => `${isFine ? 'ok    ' : 'FAILED'} ${text}`),
    report.proof,
  ].join('\n');
}
