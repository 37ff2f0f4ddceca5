/**
 * What V8's sampling profiler found, as stacks: start and stop it in this process, read what it says. Promises: a function of
 * dist/ has its line in src/. Refuses to know what ran.
 */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { roomOfScript } from './rooms.ts';
import { type Frame, fold, type Stack } from './stacks.ts';

/** Short enough for functions of microseconds, long enough to cost a per cent or two. */
export const INTERVAL_US = 250;

/** The form of a .cpuprofile, as far as it is read. */
export interface V8Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
    readonly children?: readonly number[] | undefined;
  }[];
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
}

/** Samples this process from now on; call what it answers to stop. */
export async function startProfiler(): Promise<() => Promise<V8Profile>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return profile;
  };
}

/** Weights in milliseconds. What was idle is left out, so that shares are shares of work. */
export function stacksOfV8({ nodes, samples = [], timeDeltas = [] }: V8Profile): Stack[] {
  const frames = new Map<number, readonly Frame[]>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (id: number, above: readonly Frame[]) => {
    const node = byId.get(id);
    if (!node) return;
    const isRoot = node.callFrame.functionName === '(root)';
    const own = isRoot ? [] : [...above, frameOf(node.callFrame, above.at(-1))];
    frames.set(id, own);
    for (const child of node.children ?? []) visit(child, own);
  };
  const [root] = nodes;
  if (root) visit(root.id, []);
  const stacks = samples.map((id, i) => ({
    frames: frames.get(id) ?? [],
    weight: Math.max(0, (timeDeltas[i] ?? 0) / 1_000),
  }));
  return fold(stacks.filter(({ frames: [first] }) => first && first.name !== '(idle)'));
}

function frameOf(
  { functionName, url, lineNumber, columnNumber }: V8Profile['nodes'][number]['callFrame'],
  caller: Frame | undefined,
): Frame {
  const name = functionName || '(anonymous)';
  if (url === '') return { name, room: roomOfScript('', name, caller) };
  const { path, line } = sourceOf(url, lineNumber, columnNumber);
  return { name: `${name} (${path}:${line})`, room: roomOfScript(path, name, caller) };
}

const ROOT = new URL('../../', import.meta.url).href;
const maps = new Map<string, SourceMap | undefined>();

/** @param line counted from 0, as V8 does; answered from 1 */
function sourceOf(url: string, line: number, column: number): { path: string; line: number } {
  const path = url
    .replace(ROOT, '')
    .replace(/^file:\/\//, '')
    .replace(/^.*node_modules\//, '');
  if (!url.startsWith(`${ROOT}dist/`)) return { path, line: line + 1 };
  if (!maps.has(url)) maps.set(url, readMap(url));
  const entry = maps.get(url)?.findEntry(line, column);
  return entry && 'originalLine' in entry
    ? { path: path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts'), line: entry.originalLine + 1 }
    : { path, line: line + 1 };
}

function readMap(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')));
  } catch {
    return undefined;
  }
}
