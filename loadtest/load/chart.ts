/**
 * Plots over time as SVG text: lines, or areas one upon the other. Promises: it needs nothing from outside the page, and
 * a plot of hours is no larger than one of minutes. Refuses to know what is plotted.
 */

export type Point = readonly [x: number, y: number];

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly title: string;
  /** Of the vertical axis. */
  readonly unit: string;
  readonly series: readonly Series[];
  /** Each series stands on the one before. All must have the same x. */
  readonly isStacked?: boolean;
  /** Powers of ten have equal distances; for values that differ by orders of magnitude. */
  readonly isLogarithmic?: boolean;
  /** The horizontal axis goes from 0 to here; without it, to the last point. */
  readonly xMax?: number;
  /** The vertical axis reaches at least this. */
  readonly yAtLeast?: number;
  /** Instants worth a line of their own. */
  readonly marks?: readonly { readonly x: number; readonly text: string }[];
}

const WIDTH = 960;
const HEIGHT = 250;
const LEFT = 72;
const RIGHT = 16;
const TOP = 34;
const BOTTOM = 30;
const POINTS_MAX = 600;
const TICKS = 5;
/** Distinguishable in light and dark and by most eyes. */
const COLORS = ['#2f7ed8', '#e8833a', '#3ba272', '#c0504d', '#8e6bbf', '#c9a227', '#8c8c8c'];

/** One plot, its title and legend included. */
export function drawChart(chart: Chart): string {
  const layers = (chart.isStacked ? stack(chart.series) : chart.series).map(({ name, points }) => ({
    name,
    points: thin(points),
  }));
  const all = layers.flatMap(({ points }) => points).filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return frame(chart.title, text(LEFT, HEIGHT / 2, 'nothing was measured'));
  const xMax = chart.xMax ?? Math.max(1, highest(all.map(([x]) => x)));
  const ys = all.map(([, y]) => y).filter((y) => !chart.isLogarithmic || y > 0);
  const scale = chart.isLogarithmic
    ? logarithmic(lowest(ys), highest(ys))
    : linear(Math.max(highest(ys), chart.yAtLeast ?? 0));
  const x = (value: number) => LEFT + (value / xMax) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - scale.at(value) * (HEIGHT - TOP - BOTTOM);

  const grid = scale.ticks.map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>` +
      text(LEFT - 6, y(tick) + 4, label(tick), 'end'),
  );
  const seconds = linear(xMax).ticks.filter((tick) => tick <= xMax);
  const times = seconds.map((tick) => text(x(tick), HEIGHT - 10, `${label(tick)} s`, 'middle'));
  const marks = (chart.marks ?? []).map(
    (mark) =>
      `<line class="mark" x1="${round(x(mark.x))}" x2="${round(x(mark.x))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` +
      text(x(mark.x) - 4, TOP + 12, mark.text, 'end'),
  );
  const shapes = layers.map(({ points }, i) =>
    chart.isStacked
      ? area(points, layers[i - 1]?.points, x, y, colorOf(i))
      : `<path d="${path(points, x, y)}" fill="none" stroke="${colorOf(i)}" stroke-width="1.6"/>`,
  );
  const unit = text(LEFT - 6, TOP - 10, chart.unit, 'end');
  return frame(chart.title, [unit, ...grid, ...times, ...shapes, ...marks].join('\n'), legend(chart.series));
}

const colorOf = (i: number): string => COLORS[i % COLORS.length] ?? 'black';
const round = (value: number): number => Math.round(value * 10) / 10;
// Not Math.max(...values): a run of hours has more points than a call may have arguments.
const highest = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const lowest = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

function frame(title: string, body: string, below = ''): string {
  const viewBox = `viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  return `<figure><figcaption>${escapeText(title)}</figcaption>
<svg ${viewBox} role="img" aria-label="${escapeText(title)}">
${body}
</svg>${below}</figure>`;
}

function legend(series: readonly Series[]): string {
  const names = series.map(
    ({ name }, i) => `<span><i style="background:${colorOf(i)}"></i>${escapeText(name)}</span>`,
  );
  return `<p class="legend">${names.join(' ')}</p>`;
}

function text(x: number, y: number, words: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeText(words)}</text>`;
}

/** A line with a gap wherever a value is missing. */
function path(points: readonly Point[], x: (value: number) => number, y: (value: number) => number): string {
  let isOpen = false;
  return points
    .map(([at, value]) => {
      if (!Number.isFinite(value)) {
        isOpen = false;
        return '';
      }
      const step = `${isOpen ? 'L' : 'M'}${round(x(at))} ${round(y(value))}`;
      isOpen = true;
      return step;
    })
    .join('');
}

function area(
  upper: readonly Point[],
  lower: readonly Point[] | undefined,
  x: (value: number) => number,
  y: (value: number) => number,
  color: string,
): string {
  const floor = lower ?? upper.map(([at]) => [at, 0] as const);
  const back = [...floor].reverse().map(([at, value]) => `L${round(x(at))} ${round(y(value))}`);
  return `<path d="${path(upper, x, y)}${back.join('')}Z" fill="${color}" fill-opacity="0.75"/>`;
}

/** Each series upon the sum of those before it; a missing value counts as 0. */
export function stack(series: readonly Series[]): Series[] {
  const sums = new Map<number, number>();
  return series.map(({ name, points }) => ({
    name,
    points: points.map(([x, y]) => {
      const sum = (sums.get(x) ?? 0) + (Number.isFinite(y) ? y : 0);
      sums.set(x, sum);
      return [x, sum] as const;
    }),
  }));
}

/** At most so many points: of each group of neighbours the highest, for peaks are what is looked for. */
export function thin(points: readonly Point[], max = POINTS_MAX): readonly Point[] {
  if (points.length <= max) return points;
  const size = Math.ceil(points.length / max);
  const thinned: Point[] = [];
  for (let i = 0; i < points.length; i += size) {
    const group = points.slice(i, i + size);
    const top = group.reduce((best, point) => (best[1] >= point[1] ? best : point));
    thinned.push([group[0]?.[0] ?? top[0], top[1]]);
  }
  return thinned;
}

interface Scale {
  readonly ticks: readonly number[];
  /** 0 at the foot of the axis, 1 at its top. */
  at(value: number): number;
}

/** From 0 to a round number that is not below `max`. */
export function linear(max: number): Scale {
  const range = max > 0 ? max : 1;
  const power = 10 ** Math.floor(Math.log10(range / TICKS));
  const step = ([1, 2, 5].find((factor) => factor * power >= range / TICKS) ?? 10) * power;
  const count = Math.max(1, Math.ceil(range / step - 1e-9));
  // Rounded, for 3 * 0.1 is not 0.3.
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { ticks, at: (value) => value / (ticks[count] ?? 1) };
}

/** From one power of ten to another, with all between. */
export function logarithmic(min: number, max: number): Scale {
  const from = Math.floor(Math.log10(min));
  const to = Math.max(from + 1, Math.ceil(Math.log10(max) - 1e-9));
  return {
    ticks: Array.from({ length: to - from + 1 }, (_, i) => Number((10 ** (from + i)).toPrecision(12))),
    at: (value) => Math.max(0, (Math.log10(Math.max(value, Number.MIN_VALUE)) - from) / (to - from)),
  };
}

/** Short and exact enough for an axis. */
function label(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 3 });
}

export function escapeText(words: string): string {
  return words.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
