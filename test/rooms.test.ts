/**
 * Who may know whom: the walls between the rooms of src/, packages included, read from the imports themselves (style.md).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { REFUSAL_CODES } from '../src/domain/language.ts';
import { PROBLEMS } from '../src/http/problems.ts';

const SRC = new URL('../src/', import.meta.url).pathname;

interface Wall {
  /** Rooms, or single files of rooms, that it may import from. */
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
  /** Rooms and packages it may name in `import type` only. */
  readonly types: readonly string[];
}

const WALLS: Readonly<Record<string, Wall>> = {
  domain: { rooms: [], packages: ['node:assert', 'zod'], types: [] },
  model: { rooms: ['domain'], packages: ['node:assert'], types: [] },
  hotpath: { rooms: ['domain'], packages: ['ioredis', 'node:*'], types: [] },
  ledger: { rooms: ['domain', 'timing'], packages: ['pg', 'pg-copy-streams', 'kysely', 'node:*'], types: [] },
  timing: { rooms: [], packages: ['node:*'], types: [] },
  worker: {
    rooms: ['domain', 'hotpath', 'ledger', 'timing'],
    packages: ['node:*'],
    types: ['pino', 'ioredis'],
  },
  http: {
    rooms: ['domain', 'hotpath'],
    packages: ['fastify', '@fastify/*', 'fastify-type-provider-zod', 'zod', 'prom-client', 'node:*'],
    types: ['ledger', 'pino', 'openapi-types'],
  },
  // Beside the way of an order as well: an import is a caller of the engine, an export a reader of the ledger.
  bulk: {
    rooms: ['domain', 'hotpath', 'ledger', 'timing'],
    packages: ['csv-parse', 'csv-stringify/sync', 'node:*'],
    types: [],
  },
  // Looks at what the others use, by their own checks.
  doctor: { rooms: ['hotpath', 'ledger'], packages: ['node:*'], types: [] },
  local: { rooms: [], packages: ['ioredis', 'pg', 'node:*'], types: [] },
  // Beside the way of an order: the demonstration is a client like any other, and its proof asks neither engine nor worker.
  sale: { rooms: [], packages: ['node:*'], types: [] },
  proof: { rooms: ['hotpath/keys.ts', 'domain/id.ts'], packages: ['node:*'], types: ['ioredis', 'pg'] },
};

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort();
const textOf = new Map(files.map((name) => [name, readFileSync(join(SRC, name), 'utf8')]));
/** `http` for http/routes/stock.ts; empty for what composes the rooms: the files of src/ itself and its programs. */
const roomOf = (name: string): string => {
  const [room = ''] = name.includes('/') ? name.split('/') : [];
  return room === 'programs' ? '' : room;
};

interface Import {
  readonly from: string;
  readonly isType: boolean;
}

function importsOf(text: string): Import[] {
  const all: Import[] = [];
  const stated = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)';?/gm;
  for (const [, type, from = ''] of text.matchAll(stated)) all.push({ from, isType: type !== undefined });
  for (const [, from = ''] of text.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g)) {
    all.push({ from, isType: false });
  }
  return all;
}

const matches = (from: string, allowed: readonly string[]): boolean =>
  allowed.some((name) => (name.endsWith('*') ? from.startsWith(name.slice(0, -1)) : from === name));

/** What a file of a room imports that its wall does not let through. */
function breaches(name: string, text: string): string[] {
  const wall = WALLS[roomOf(name)];
  if (!wall) return roomOf(name) === '' ? [] : [`${name}: this room has no wall`];
  return importsOf(text)
    .filter(({ from, isType }) => {
      if (from.startsWith('.')) {
        const target = normalize(join(dirname(name), from));
        const rooms = [roomOf(name), ...wall.rooms, ...(isType ? wall.types : [])];
        return !rooms.includes(roomOf(target)) && !rooms.includes(target);
      }
      return !matches(from, wall.packages) && !(isType && matches(from, wall.types));
    })
    .map(({ from }) => `${name} imports ${from}`);
}

/** Each way from a file over its imports back to itself, by depth-first search; one circle per edge that closes one. */
function circlesIn(texts: ReadonlyMap<string, string>): string[][] {
  const circles: string[][] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): void => {
    const at = path.indexOf(name);
    if (at >= 0) circles.push([...path.slice(at), name]);
    if (at >= 0 || finished.has(name)) return;
    path.push(name);
    for (const { from } of importsOf(texts.get(name) ?? '')) {
      if (from.startsWith('.')) visit(normalize(join(dirname(name), from)));
    }
    path.pop();
    finished.add(name);
  };
  for (const name of texts.keys()) visit(name);
  return circles;
}

/** The text without comments, strings and templates. */
function codeOf(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    '""',
  );
}

/** Lines of src/ that match, with the file they stand in. */
function linesWith(pattern: RegExp, look: (name: string) => boolean = () => true): string[] {
  return files.filter(look).flatMap((name) =>
    (textOf.get(name) ?? '')
      .split('\n')
      .filter((line) => pattern.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
}

describe('imports', () => {
  test('are all seen by this test', () => {
    for (const [name, text] of textOf) {
      const stated = [...text.matchAll(/^(?:import\b.*|\} )from '|^import '/gm)].length;
      expect(importsOf(text).length, name).toBeGreaterThanOrEqual(stated);
    }
    expect(importsOf(`import a, {\n  type B,\n} from './c.ts';\nexport * from 'd';\nimport 'e';`)).toEqual([
      { from: './c.ts', isType: false },
      { from: 'd', isType: false },
      { from: 'e', isType: false },
    ]);
  });

  test.each(Object.keys(WALLS))('%s knows only what it may know', (room) => {
    const inside = files.filter((name) => roomOf(name) === room);
    expect(inside.flatMap((name) => breaches(name, textOf.get(name) ?? ''))).toEqual([]);
  });

  test('every room has a wall', () => {
    const rooms = new Set(files.map(roomOf).filter((room) => room !== ''));
    expect([...rooms].filter((room) => !(room in WALLS))).toEqual([]);
  });

  test('no room imports a composition root', () => {
    const roots = files.filter((name) => roomOf(name) === '');
    const reached = files
      .filter((name) => roomOf(name) !== '')
      .flatMap((name) =>
        importsOf(textOf.get(name) ?? '').map(({ from }) => normalize(join(dirname(name), from))),
      );
    expect(reached.filter((name) => roots.includes(name))).toEqual([]);
  });

  test('nothing in production imports the executable specification', () => {
    const outside = files.filter((name) => roomOf(name) !== 'model');
    const importers = outside.filter((name) =>
      importsOf(textOf.get(name) ?? '').some(({ from }) =>
        normalize(join(dirname(name), from)).startsWith('model/'),
      ),
    );
    expect(importers).toEqual([]);
  });

  test('of the domain only the declarations of inputs know zod', () => {
    expect(linesWith(/from 'zod'/, (name) => /^domain\/(?!inputs\/)/.test(name))).toEqual([]);
  });

  test('the worker knows the Redis client not even as a type', () => {
    expect(linesWith(/from 'ioredis'/, (name) => roomOf(name) === 'worker')).toEqual([]);
  });

  test('a wall that is broken would be seen', () => {
    expect(breaches('domain/x.ts', `import { Redis } from 'ioredis';`)).toHaveLength(1);
    expect(breaches('domain/x.ts', `import type { Keys } from '../hotpath/keys.ts';`)).toHaveLength(1);
    expect(breaches('http/routes/x.ts', `import { Ledger } from '../../ledger/ledger.ts';`)).toHaveLength(1);
    expect(breaches('http/x.ts', `import type { Ledger } from '../ledger/ledger.ts';`)).toEqual([]);
    expect(breaches('worker/x.ts', `import { pino } from 'pino';`)).toHaveLength(1);
    expect(breaches('worker/x.ts', `import type { Logger } from 'pino';`)).toEqual([]);
    expect(breaches('proof/x.ts', `import { readItem } from '../hotpath/texts.ts';`)).toHaveLength(1);
    expect(breaches('ledger/x.ts', `const pg = await import('ioredis');`)).toHaveLength(1);
  });
});

describe('circles of imports', () => {
  test('there are none, types included', () => {
    expect(circlesIn(textOf).map((circle) => circle.join(' -> '))).toEqual([]);
  });

  test('a circle would be found, and named', () => {
    const found = circlesIn(
      new Map([
        ['a.ts', `import './b/c.ts';`],
        ['b/c.ts', `import type { D } from './d.ts';\nimport '../e.ts';`],
        ['b/d.ts', `export * from '../a.ts';`],
        ['e.ts', ''],
      ]),
    );
    expect(found).toEqual([['a.ts', 'b/c.ts', 'b/d.ts', 'a.ts']]);
  });
});

describe('what stands in one place alone', () => {
  test('the environment is read by config.ts, and by machine.ts for the folders of this machine', () => {
    const read = linesWith(/process\.env\b/, (name) => name !== 'config.ts');
    const isForChildren = (line: string) => line.startsWith('local/') && line.includes('{ ...process.env,');
    const isFolder = (line: string) =>
      /^local\/machine\.ts: .*process\.env\.(PATH|XDG_CACHE_HOME)\b/.test(line);
    expect(read.filter((line) => !isForChildren(line) && !isFolder(line))).toEqual([]);
  });

  test('a Redis key is spelled in hotpath/keys.ts', () => {
    const spelled =
      /\{\d+\}:|\}\}:|\}:?[rsmtkfq]:\$|['"`]:?[rsmtkfq]:['"`$]|[}:](control|events|due|warehouses)`|['"]:(control|events|due|warehouses)\b/;
    expect(linesWith(spelled, (name) => name === 'hotpath/keys.ts').length).toBeGreaterThan(0);
    expect(linesWith(spelled, (name) => name !== 'hotpath/keys.ts')).toEqual([]);
  });

  test('the status of a problem is spelled in domain/refusals.ts and http/problems.ts', () => {
    const statuses = new Set(
      REFUSAL_CODES.map((code) => PROBLEMS[code].status).filter((status) => status < 500),
    );
    expect(statuses.size).toBeGreaterThan(1);
    const tables = ['domain/refusals.ts', 'http/problems.ts'];
    const elsewhere = files
      .filter((name) => ['http', 'domain'].includes(roomOf(name)) && !tables.includes(name))
      .flatMap((name) =>
        [...codeOf(textOf.get(name) ?? '').matchAll(/(?<![\w.])(4\d\d)(?!\w)/g)]
          .filter(([, status]) => statuses.has(Number(status)))
          .map(([, status]) => `${name}: ${status}`),
      );
    expect(elsewhere).toEqual([]);
  });

  test('the domain asks neither what time it is nor for chance', () => {
    expect(
      linesWith(
        /\bDate\b|performance|Math\.random|setTimeout|setInterval/,
        (name) => roomOf(name) === 'domain',
      ),
    ).toEqual([]);
  });
});

test('every file of lua/ that a comment names exists', () => {
  const lua = new Set(readdirSync(new URL('../lua/', import.meta.url)));
  const named = [...textOf].flatMap(([name, text]) =>
    [...text.matchAll(/\blua\/([a-z-]+\.lua)\b/g)].map(([, file = '']) => ({ name, file })),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ file }) => !lua.has(file))).toEqual([]);
});

describe('names', () => {
  const NO_NAMES = /(^|\/|-)(utils?|helpers?|common|lib|core|shared|types|interfaces)(\.|\/|$)/;

  test('no file or folder is named for what it is made of', () => {
    const tests = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' });
    const lua = readdirSync(new URL('../lua/', import.meta.url));
    expect([...files, ...tests, ...lua].filter((name) => NO_NAMES.test(name))).toEqual([]);
    expect(NO_NAMES.test('hotpath/utils.ts')).toBe(true);
  });

  test('every file is named in small letters with dashes, and opens with what it promises', () => {
    for (const [name, text] of textOf) {
      expect(name).toMatch(/^([a-z-]+\/)*[a-z0-9-]+\.ts$/);
      expect(text, name).toMatch(/^(#!.*\n)?\/\*\*\s/);
    }
  });
});
