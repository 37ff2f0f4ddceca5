/**
 * The three growths as one SVG: a column for holds, SKUs and partitions, a row for processor time, bytes and syncs; sizes
 * to the right in powers, what an order costs upwards from 0. Promises: it needs nothing from outside, stands on a ground
 * of its own, is readable on light and dark, and all panels of a row have one scale.
 */
import { linear } from '../../load/chart.ts';
import type { Figure, Grown } from '../figures.ts';
import { PROCESSES, type Row } from './readings.ts';

interface Line {
  readonly name: string;
  /** What is added up for it. */
  readonly rows: readonly Row[];
}

interface Band {
  readonly title: string;
  readonly lines: readonly Line[];
}

const line = (name: string, ...rows: Row[]): Line => ({ name, rows });
const CPU = {
  API: 'CPU of the API',
  Redis: 'CPU of Redis',
  worker: 'CPU of the worker',
  Postgres: 'CPU of Postgres',
} as const;
const BANDS: readonly Band[] = [
  { title: 'Processor time, us an order', lines: PROCESSES.map((name) => line(name, CPU[name])) },
  {
    title: 'Bytes an order',
    lines: [
      line('kept in Redis while held', 'Redis, active'),
      line('append-only file', 'append-only file'),
      line(
        'tables and indexes in Postgres',
        'Postgres, ledger rows',
        'Postgres, their indexes',
        'Postgres, reservations',
        'Postgres, indexes of those',
        'Postgres, all else',
      ),
      line('its write-ahead log', 'WAL of Postgres'),
    ],
  },
  {
    title: 'Syncs in 1,000 orders',
    lines: [line('Redis', 'fsyncs of Redis'), line('Postgres', 'fsyncs of Postgres')],
  },
];
const COLUMNS: readonly { by: Grown['by']; head: string }[] = [
  { by: 'holds', head: 'open holds, over HTTP' },
  { by: 'SKUs', head: 'SKUs, over HTTP' },
  { by: 'partitions', head: 'partitions on one Redis, engines without HTTP' },
];

const LIGHT = ['#ffffff', '#1f2328', '#d1d9e0', '#116329', '#bc4c00', '#8250df', '#0969da'];
const DARK = ['#0d1117', '#e6edf3', '#30363d', '#3fb950', '#f0883e', '#bc8cff', '#58a6ff'];

const WIDTH = 960;
const LEFT = 58;
const TOP = 64;
const PANEL_WIDTH = 262;
const PANEL_HEIGHT = 180;
const COLUMN = 302;
const BAND = 262;
const FOOT = 20;

const TITLE = 'What an order costs, by how much there is';

export function drawCost(figures: readonly Figure[]): string {
  const height = TOP + BANDS.length * BAND + FOOT;
  const bands = BANDS.map((band, i) => drawBand(figures, band, TOP + i * BAND));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${TITLE}">
<style>
text { font: 11px system-ui, sans-serif; }
.title { font-size: 16px; font-weight: 600; }
.head { font-size: 13px; font-weight: 600; }
.series path { fill: none; stroke-width: 2; }
.series .spread { stroke-width: 1; }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}
</style>
<rect width="${WIDTH}" height="${height}" rx="8" class="ground"/>
<text class="title" x="24" y="32">${TITLE}</text>
${bands.join('\n')}
</svg>
`;
}

/** Plain rules, because not everything that shows an SVG knows variables. */
function colours([ground, ink, grid, ...series]: readonly string[]): string {
  const own = series.map(
    (colour, i) => `.s${i} path { stroke: ${colour}; } .s${i} circle, .s${i} text { fill: ${colour}; }`,
  );
  return [`.ground { fill: ${ground}; } text { fill: ${ink}; } .grid { stroke: ${grid}; }`, ...own].join(
    '\n',
  );
}

interface Spot {
  readonly at: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

function drawBand(figures: readonly Figure[], { title, lines }: Band, top: number): string {
  const panels = COLUMNS.map(({ by }) => lines.map((one) => spotsOf(figures, by, one)));
  const highest = Math.max(0, ...panels.flat(2).map(({ high }) => high));
  const { ticks, at } = linear(highest);
  let x = LEFT;
  const legend = lines.map(({ name }, i) => {
    const entry = `<g class="series s${i}"><path d="M${x} ${top + 14}h14"/>${words(x + 19, top + 18, name)}</g>`;
    x += 40 + name.length * 6;
    return entry;
  });
  const drawn = panels.map((panel, column) => {
    const left = LEFT + column * COLUMN;
    return drawPanel(panel, left, top + 34, ticks, at, COLUMNS[column]?.head ?? '');
  });
  return [`<text class="head" x="24" y="${top}">${title}</text>`, ...legend, ...drawn].join('\n');
}

/** Sizes at which all that is added up was measured. */
function spotsOf(figures: readonly Figure[], by: Grown['by'], { rows }: Line): Spot[] {
  const own = figures.filter(({ grown }) => grown?.by === by);
  const sizes = [...new Set(own.map(({ grown }) => grown?.to ?? 0))].sort((a, b) => a - b);
  return sizes.flatMap((size) => {
    const parts = rows.map((row) => own.find(({ grown }) => grown?.to === size && grown.what === row));
    const sum = (read: (figure: Figure) => number) =>
      parts.reduce((total, part) => total + (part ? read(part) : Number.NaN), 0);
    const spot = { at: size, median: sum((f) => f.median), low: sum((f) => f.low), high: sum((f) => f.high) };
    return Number.isFinite(spot.median) ? [spot] : [];
  });
}

function drawPanel(
  panel: readonly (readonly Spot[])[],
  left: number,
  top: number,
  ticks: readonly number[],
  at: (value: number) => number,
  head: string,
): string {
  const bottom = top + PANEL_HEIGHT;
  const sizes = [...new Set(panel.flat().map((spot) => spot.at))].sort((a, b) => a - b);
  const [first, last] = [Math.log(sizes[0] ?? 1), Math.log(sizes.at(-1) ?? 2)];
  const x = (size: number) =>
    left + 8 + (last === first ? 0.5 : (Math.log(size) - first) / (last - first)) * (PANEL_WIDTH - 16);
  const y = (value: number) => bottom - at(value) * PANEL_HEIGHT;
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${left}" x2="${left + PANEL_WIDTH}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>` +
      words(left - 5, y(tick) + 4, tick.toLocaleString('en', { maximumFractionDigits: 3 }), 'end'),
  );
  const axis = sizes.map((size) => words(x(size), bottom + 15, shortSize(size), 'middle'));
  const lines = panel.map((spots, i) => {
    const path = spots.map((spot) => `${round(x(spot.at))} ${round(y(spot.median))}`).join('L');
    const spread = spots.map(
      ({ at: size, low, high }) => `M${round(x(size))} ${round(y(low))}V${round(y(high))}`,
    );
    const dots = spots.map(
      (spot) => `<circle cx="${round(x(spot.at))}" cy="${round(y(spot.median))}" r="2.4"/>`,
    );
    return spots.length === 0
      ? ''
      : `<g class="series s${i}"><path d="M${path}"/><path class="spread" d="${spread.join('')}"/>${dots.join('')}</g>`;
  });
  return [...grid, ...axis, words(left + PANEL_WIDTH / 2, bottom + 30, head, 'middle'), ...lines].join('\n');
}

/** 1,000 as 1k, 10,000,000 as 10M: five of them stand side by side. */
export function shortSize(size: number): string {
  if (size >= 1e6) return `${size / 1e6}M`;
  return size >= 1e3 ? `${size / 1e3}k` : String(size);
}

const round = (value: number): number => Math.round(value * 10) / 10;

function words(x: number, y: number, text: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${text}</text>`;
}
