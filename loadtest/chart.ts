/**
 * Line charts as SVG, drawn by Vega-Lite: panels side by side or one below the other. Promises: every axis has its title
 * with the unit, and says where it is a log scale; lines differ in dashes and point shapes as well as in colour; a missing
 * value is a gap; the notes stand below. Refuses to know: what is shown, and how it was measured.
 */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { NonNormalizedSpec } from 'vega-lite/types_unstable/spec/index.js';

export interface Point {
  readonly x: number;
  /** Undefined: not measured, a gap in the line. */
  readonly y: number | undefined;
  /** Ends of the error bar. */
  readonly low?: number;
  readonly high?: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Axis {
  /** With its unit; " (log scale)" is added where it is one. */
  readonly title: string;
  readonly log?: boolean;
  readonly max?: number;
}

export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** An instant worth a vertical line. */
  readonly mark?: { readonly x: number; readonly text: string };
}

export interface Picture {
  readonly title: string;
  /** Lines below: number of measurements, machine, commit, meaning of the error bars. */
  readonly notes: readonly string[];
  readonly columns: number;
  readonly width: number;
  readonly height: number;
  readonly panels: readonly Panel[];
}

const POINTS_MAX = 600;
/** Okabe and Ito's palette, which most colour-blind people can tell apart, without its yellow. */
const COLORS = '#0072b2 #d55e00 #009e73 #cc79a7 #56b4e9 #e69f00 #000000'.split(' ');
const DASHES = ['1 0', '7 3', '2 2', '10 3 2 3', '1 4', '5 2 1 2'].map((dash) => dash.split(' ').map(Number));
const SHAPES = 'circle square triangle-up diamond cross triangle-down stroke'.split(' ');

/** Each panel has its own series. */
const OWN = { color: 'independent', shape: 'independent', strokeDash: 'independent' } as const;

const cycle = <T>(values: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, i) => values[i % values.length] as T);

/** The whole picture as the text of an SVG file. */
export async function drawPicture({
  title,
  notes,
  columns,
  width,
  height,
  panels,
}: Picture): Promise<string> {
  const spec: TopLevelSpec = {
    title: {
      text: title,
      subtitle: [...notes],
      anchor: 'start',
      fontSize: 15,
      subtitleFontSize: 11,
      subtitlePadding: 6,
      offset: 16,
    },
    background: 'white',
    padding: 12,
    columns,
    concat: panels.map((panel) => panelSpec(panel, width, height)),
    resolve: { scale: OWN, legend: OWN },
    config: { aria: false, view: { stroke: '#ccc' }, legend: { labelLimit: 320, symbolStrokeWidth: 2 } },
  };
  const svg = await new View(parse(compile(spec).spec)).toSVG();
  // A picture has one label; Vega's roles for every mark are for interactive charts.
  const plain = svg.replace(/<[^>]+>/g, (tag) => tag.replace(/ (role|aria-[a-z]+)="[^"]*"/g, ''));
  const label = title.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return plain.replace('<svg ', `<svg role="img" aria-label="${label}" `);
}

function panelSpec({ title, x, y, series, mark }: Panel, width: number, height: number): NonNormalizedSpec {
  const names = series.map(({ name }) => name);
  const hasShapes = series.every(({ points }) => points.length <= 40);
  const values = series.flatMap(({ name, points }) =>
    thin(points).map((point) => ({ ...point, y: point.y ?? null, name })),
  );
  const scale = (range: readonly unknown[]) => ({
    domain: names,
    range: cycle(range, names.length) as string[],
  });
  const legend = names.length > 1 ? { title: null } : null;
  const color = { field: 'name', type: 'nominal', scale: scale(COLORS), legend } as const;
  const dash = { field: 'name', type: 'nominal', scale: scale(DASHES), legend } as const;
  const shape = { field: 'name', type: 'nominal', scale: scale(SHAPES), legend } as const;
  const encoding = { x: channel(x, 'x', values), y: channel(y, 'y', values), color };
  const marks = mark ? [{ x: mark.x, text: mark.text }] : [];
  return {
    title: { text: title, anchor: 'start', fontSize: 12 },
    width,
    height,
    data: { values },
    layer: [
      { mark: { type: 'line', strokeWidth: 1.8 }, encoding: { ...encoding, strokeDash: dash } },
      {
        mark: { type: 'rule' },
        encoding: { ...encoding, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
      },
      ...(hasShapes
        ? [{ mark: { type: 'point' as const, filled: true, size: 36 }, encoding: { ...encoding, shape } }]
        : []),
      {
        data: { values: marks },
        mark: { type: 'rule', strokeDash: [4, 3] },
        encoding: { x: { field: 'x', type: 'quantitative' } },
      },
      {
        data: { values: marks },
        mark: { type: 'text', align: 'right', dx: -4, baseline: 'top' },
        encoding: {
          x: { field: 'x', type: 'quantitative' },
          y: { value: 2 },
          text: { field: 'text', type: 'nominal' },
        },
      },
    ],
  };
}

/** Ticks of a log scale: the measured sizes to the right, powers of ten upwards. */
function channel(
  { title, log: isPowers = false, max }: Axis,
  field: 'x' | 'y',
  values: readonly Record<string, unknown>[],
) {
  const own = values.flatMap((value) => (typeof value[field] === 'number' ? [value[field]] : []));
  // A log scale of nothing has no ends.
  const log = isPowers && own.some((value) => value > 0);
  const ticks = field === 'x' ? [...new Set(own)] : powersOfTen(own);
  return {
    field,
    type: 'quantitative',
    title: log ? `${title} (log scale)` : title,
    scale: log ? { type: 'log' as const } : { zero: true, ...(max === undefined ? {} : { domainMax: max }) },
    axis: { labelOverlap: 'greedy', ...(log ? { format: '~s', values: ticks } : { format: ',' }) },
  } as const;
}

/** The powers of ten from below the lowest positive value to above the highest. */
export function powersOfTen(values: readonly number[]): number[] {
  // Not Math.max(...values): a run of hours has more points than a call may have arguments.
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const from = Math.floor(logs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
  const to = Math.ceil(logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY));
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => 10 ** (from + i));
}

/** At most so many points: of each group of neighbours the highest, for peaks are what matters; a gap stays one. */
export function thin(points: readonly Point[], max = POINTS_MAX): readonly Point[] {
  if (points.length <= max) return points;
  const size = Math.ceil(points.length / max);
  const groups = Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size),
  );
  return groups.map((group) => {
    const [first] = group;
    if (group.some(({ y }) => y === undefined)) return { x: first?.x ?? 0, y: undefined };
    const top = group.reduce((best, point) => ((best.y ?? 0) >= (point.y ?? 0) ? best : point));
    return { ...top, x: first?.x ?? top.x };
  });
}
