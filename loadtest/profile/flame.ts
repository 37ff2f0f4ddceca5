/**
 * A flame graph as one SVG file: what calls stands below what it calls, as wide as what was spent in both. Promises: it needs
 * nothing from outside, reads in light and dark, and is no larger than what an eye can tell apart. Refuses to know what is
 * drawn.
 */
import { escapeText } from '../load/chart.ts';
import { byRoom, type Stack, weightOf } from './stacks.ts';

export interface Flame {
  readonly title: string;
  /** Of the weights: `ms`, `instructions`. */
  readonly unit: string;
  readonly stacks: readonly Stack[];
}

const WIDTH = 1_400;
const MARGIN = 10;
const ROW = 18;
const TOP = 30;
const LEGEND_COLUMNS = 5;
/** Narrower ones are left out; what calls them shows their width as its own. */
const WIDTH_MIN = 0.4;
const CHARACTER = 6.7;
const DEPTH_MAX = 120;

/** Light enough for black letters, and told apart by most eyes; the first for the room with most. */
const COLORS = [
  '#f4a261',
  '#8ecae6',
  '#a7c957',
  '#e5989b',
  '#c8b6ff',
  '#ffd166',
  '#90dbc4',
  '#d4a373',
  '#f7b2d9',
  '#b8c0c8',
  '#e9edc9',
  '#ff9b85',
  '#9ad0ec',
  '#d8e2a0',
  '#cdb4db',
  '#e0c3a3',
];

interface Node {
  readonly name: string;
  readonly room: string;
  weight: number;
  readonly children: Map<string, Node>;
}

/** Rooms have the same colour in a picture, in the order of their weight. */
export function drawFlame({ title, unit, stacks }: Flame): string {
  const total = weightOf(stacks);
  const rooms = byRoom(stacks).map(({ room }) => room);
  const colors = new Map(rooms.map((room, i) => [room, COLORS[i % COLORS.length] as string]));
  const root = grow(stacks);
  const scale = total > 0 ? (WIDTH - 2 * MARGIN) / total : 0;
  const boxes: { x: number; depth: number; node: Node }[] = [];
  const place = (node: Node, x: number, depth: number) => {
    if (node.weight * scale < WIDTH_MIN || depth > DEPTH_MAX) return;
    boxes.push({ x, depth, node });
    let from = x;
    for (const child of inOrder(node)) {
      place(child, from, depth + 1);
      from += child.weight * scale;
    }
  };
  place(root, MARGIN, 0);
  const depth = boxes.reduce((deepest, box) => Math.max(deepest, box.depth), 0);
  const legendRows = Math.ceil(rooms.length / LEGEND_COLUMNS);
  const floor = TOP + (depth + 1) * ROW;
  const height = floor + MARGIN + legendRows * ROW + MARGIN;

  const shapes = boxes.map(({ x, depth: level, node }) => {
    const width = node.weight * scale;
    const y = floor - (level + 1) * ROW;
    const color = level === 0 ? '#d9d9d9' : (colors.get(node.room) ?? '#d9d9d9');
    const share = total > 0 ? ((100 * node.weight) / total).toFixed(2) : '0';
    const told = `${node.name} [${node.room}]: ${amount(node.weight)} ${unit}, ${share} %`;
    const letters = Math.floor((width - 6) / CHARACTER);
    const shown = node.name.length > letters ? `${node.name.slice(0, letters - 2)}..` : node.name;
    const label = letters < 4 ? '' : `<text x="${round(x + 3)}" y="${y + 13}">${escapeText(shown)}</text>`;
    const box = `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="${ROW - 1}" fill="${color}"/>`;
    return `<g><title>${escapeText(told)}</title>${box}${label}</g>`;
  });
  const legend = rooms.map((room, i) => {
    const x = MARGIN + (i % LEGEND_COLUMNS) * ((WIDTH - 2 * MARGIN) / LEGEND_COLUMNS);
    const y = floor + MARGIN + Math.floor(i / LEGEND_COLUMNS) * ROW;
    return (
      `<rect x="${round(x)}" y="${y}" width="12" height="12" fill="${colors.get(room)}"/>` +
      `<text x="${round(x + 17)}" y="${y + 10}">${escapeText(room)}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeText(title)}">
<style>text{font:11px ui-monospace,Menlo,Consolas,monospace;fill:#111}g:hover rect{stroke:#111}</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${MARGIN}" y="19" style="font-size:14px">${escapeText(title)}: ${amount(total)} ${unit}</text>
${shapes.join('\n')}
${legend.join('\n')}
</svg>
`;
}

function grow(stacks: readonly Stack[]): Node {
  const root: Node = { name: 'all', room: 'all', weight: 0, children: new Map() };
  for (const { frames, weight } of stacks) {
    root.weight += weight;
    let node = root;
    for (const { name, room } of frames) {
      const key = `${room}\t${name}`;
      let child = node.children.get(key);
      if (!child) {
        child = { name, room, weight: 0, children: new Map() };
        node.children.set(key, child);
      }
      child.weight += weight;
      node = child;
    }
  }
  return root;
}

/** By name, so that two pictures of the same thing look alike. */
const inOrder = (node: Node): Node[] =>
  [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));

const round = (value: number): number => Math.round(value * 10) / 10;
const amount = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });
