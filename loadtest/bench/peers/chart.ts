/**
 * The peers as one SVG: clients to the right, orders a second upwards, both in powers. Promises: it needs nothing from
 * outside, stands on a ground of its own, and is readable on light and dark. Refuses to know how anything was measured.
 */
import type { Figure } from '../figures.ts';
import type { Family } from './peer.ts';
import { skusText } from './table.ts';

export interface ShownPeer {
  readonly name: string;
  readonly family: Family;
}

interface Spot {
  readonly clients: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

interface Line extends ShownPeer {
  /** Tells lines of one family apart. */
  readonly dash: string;
  readonly spots: readonly Spot[];
}

interface Palette {
  readonly ground: string;
  readonly ink: string;
  readonly grid: string;
  readonly families: Readonly<Record<Family, string>>;
}

const LIGHT: Palette = {
  ground: '#ffffff',
  ink: '#1f2328',
  grid: '#d1d9e0',
  families: { Postgres: '#0969da', Redis: '#bc4c00', Holdfast: '#116329', limit: '#737c86' },
};
const DARK: Palette = {
  ground: '#0d1117',
  ink: '#e6edf3',
  grid: '#30363d',
  families: { Postgres: '#58a6ff', Redis: '#f0883e', Holdfast: '#3fb950', limit: '#9198a1' },
};

const WIDTH = 960;
const PLOT_WIDTH = 560;
const PLOT_HEIGHT = 380;
const LEFT = 74;
const TOP = 70;
const GAP = 84;
const LABEL_HEIGHT = 15;
const FOOT = 54;
const DASHES = ['', '7 4', '2 3', '10 3 2 3', '1 4'];

/** A plot for each number of SKUs, one below the other. */
export function drawPeers(figures: readonly Figure[], peers: readonly ShownPeer[]): string {
  const rates = figures.filter(({ at }) => at?.what === 'orders a second');
  const skus = [...new Set(rates.map(({ at }) => at?.skus ?? 0))];
  const values = rates.flatMap(({ low, high }) => [low, high]).filter((value) => value > 0);
  const scale = powersOfTen(values);
  const height = TOP + skus.length * (PLOT_HEIGHT + GAP) - GAP + FOOT;
  const plots = skus.map((count, i) => {
    const own = rates.filter(({ at }) => at?.skus === count);
    return drawPlot(linesOf(own, peers), scale, TOP + i * (PLOT_HEIGHT + GAP), count);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${TITLE}">
<style>
text { font: 12px system-ui, sans-serif; }
.title { font-size: 16px; font-weight: 600; }
.head { font-size: 13px; font-weight: 600; }
.line { fill: none; stroke-width: 1.8; }
.Holdfast .line { stroke-width: 3; }
.leader { fill: none; stroke-width: 0.8; opacity: 0.7; }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}
</style>
<rect width="${WIDTH}" height="${height}" rx="8" class="ground"/>
<text class="title" x="24" y="32">${TITLE}</text>
${plots.join('\n')}
<text x="${LEFT}" y="${height - 16}">Clients that ask again when they are answered; medians, bars from the lowest to the highest turn; beside a name its figure at most clients.</text>
</svg>
`;
}

/** Plain rules, because not everything that shows an SVG knows variables. */
function colours({ ground, ink, grid, families }: Palette): string {
  const family = Object.entries(families).map(
    ([name, colour]) =>
      `.${name} path { stroke: ${colour}; } .${name} circle, .${name} text { fill: ${colour}; }`,
  );
  return [`.ground { fill: ${ground}; } text { fill: ${ink}; } .grid { stroke: ${grid}; }`, ...family].join(
    '\n',
  );
}

const TITLE = 'Orders held a second, by how many ask at once';

function linesOf(figures: readonly Figure[], peers: readonly ShownPeer[]): Line[] {
  const before = new Map<Family, number>();
  return peers.flatMap(({ name, family }) => {
    const nth = before.get(family) ?? 0;
    before.set(family, nth + 1);
    const spots = figures
      .filter(({ at, median }) => at?.peer === name && median > 0)
      .map(({ at, median, low, high }) => ({ clients: at?.clients ?? 1, median, low, high }))
      .sort((a, b) => a.clients - b.clients);
    return spots.length === 0 ? [] : [{ name, family, spots, dash: DASHES[nth % DASHES.length] ?? '' }];
  });
}

interface Powers {
  readonly from: number;
  readonly to: number;
}

/** The powers of ten that hold all values. */
export function powersOfTen(values: readonly number[]): Powers {
  const logs = values.map(Math.log10);
  const from = Math.floor(Math.min(...logs, 6));
  return { from, to: Math.max(from + 1, Math.ceil(Math.max(...logs, 0))) };
}

function drawPlot(lines: readonly Line[], { from, to }: Powers, top: number, skus: number): string {
  const clients = [...new Set(lines.flatMap(({ spots }) => spots.map((spot) => spot.clients)))].sort(
    (a, b) => a - b,
  );
  const [first, last] = [Math.log(clients[0] ?? 1), Math.log(clients.at(-1) ?? 2)];
  const x = (count: number) =>
    LEFT + (last === first ? 0.5 : (Math.log(count) - first) / (last - first)) * PLOT_WIDTH;
  const bottom = top + PLOT_HEIGHT;
  const y = (value: number) =>
    bottom - ((Math.log10(Math.max(value, 10 ** from)) - from) / (to - from)) * PLOT_HEIGHT;
  const powers = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
  const grid = powers.map(
    (power) =>
      `<line class="grid" x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${round(y(power))}" y2="${round(y(power))}"/>` +
      words(LEFT - 8, y(power) + 4, power.toLocaleString('en'), 'end'),
  );
  const axis = clients.map((count) => words(x(count), bottom + 18, count.toLocaleString('en'), 'middle'));
  const head = `<text class="head" x="${LEFT}" y="${top - 10}">${skusText(skus)}</text>`;
  const labels = spreadOut(
    lines.map((line) => y(line.spots.at(-1)?.median ?? 1)),
    top,
    bottom,
  );
  const drawn = lines.map((line, i) => drawLine(line, x, y, labels[i] ?? bottom));
  return [head, ...grid, ...axis, words(LEFT + PLOT_WIDTH + 34, bottom + 18, 'clients'), ...drawn].join('\n');
}

function drawLine(
  { name, family, dash, spots }: Line,
  x: (clients: number) => number,
  y: (value: number) => number,
  labelY: number,
): string {
  const at = (spot: Spot) => `${round(x(spot.clients))} ${round(y(spot.median))}`;
  const last = spots.at(-1);
  const endX = x(last?.clients ?? 1);
  const textX = LEFT + PLOT_WIDTH + 34;
  const bands = spots.map(
    ({ clients, low, high }) => `<path d="M${round(x(clients))} ${round(y(low))}V${round(y(high))}"/>`,
  );
  const dots = spots.map(
    (spot) => `<circle cx="${round(x(spot.clients))}" cy="${round(y(spot.median))}" r="2.6"/>`,
  );
  const leader = `<path class="leader" d="M${round(endX + 5)} ${round(y(last?.median ?? 1))}L${textX - 6} ${round(labelY)}"/>`;
  const label = `<text x="${textX}" y="${round(labelY + 4)}">${escapeText(`${name}: ${short(last?.median ?? 0)}`)}</text>`;
  return `<g class="${family}"><path class="line" d="M${spots.map(at).join('L')}"${dash && ` stroke-dasharray="${dash}"`}/>${bands.join('')}${dots.join('')}${leader}${label}</g>`;
}

/** Places for labels near where they belong, with room for each, in their order, within two bounds as far as they fit. */
export function spreadOut(wanted: readonly number[], top: number, bottom: number): number[] {
  const order = wanted.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at);
  const placed: number[] = [];
  let free = top;
  for (const { at, i } of order) {
    placed[i] = Math.max(at, free);
    free = (placed[i] ?? at) + LABEL_HEIGHT;
  }
  // What was pushed below the bottom goes up again, and pushes those above it.
  let floor = bottom;
  for (const { i } of order.reverse()) {
    placed[i] = Math.min(placed[i] ?? floor, floor);
    floor = (placed[i] ?? floor) - LABEL_HEIGHT;
  }
  return placed;
}

/** Two digits that count: more would be another figure in the next run. */
const short = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 2 });
const round = (value: number): number => Math.round(value * 10) / 10;

function words(x: number, y: number, text: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeText(text)}</text>`;
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
