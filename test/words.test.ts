/**
 * Words that lua/ spells itself (refusals, events, statuses, verbs) are those of src/domain, every rule's number is wherever the rule
 * can be broken, and the Lua keeps to its house rules. Read from the files; limits and all other words the program gets as data.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  ACTOR_CLOCK,
  REFUSAL_CODES,
  RELEASE_CAUSES,
  RESERVATION_STATUSES,
  SKIP_REASONS,
  STOCKTAKE_STATUSES,
  STREAM_EVENT_TYPES,
  TRANSFER_STATUSES,
} from '../src/domain/language.ts';
import { LUA_FILES, LUA_FOLDER, loadProgram } from '../src/hotpath/program.ts';

const ROOT = new URL('..', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);

const luaFiles = readdirSync(LUA_FOLDER).filter((name) => name.endsWith('.lua'));
const luaTexts = new Map(luaFiles.map((name) => [name, readFileSync(new URL(name, LUA_FOLDER), 'utf8')]));
const withoutComments = (text: string): string => text.replace(/--.*$/gm, '');
/** The program as Redis runs it, and the same without its prose. */
const program = LUA_FILES.map((name) => luaTexts.get(`${name}.lua`) ?? '').join('\n');
const code = withoutComments(program);

/** Everything the first group of a pattern finds. */
function found(pattern: RegExp, text = code): Set<string> {
  return new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''));
}

describe('the words of the language', () => {
  test('refusals: each code is given by the program, and the program gives no other', () => {
    const given = found(/"REFUSED ([a-z-]+)/g);
    // The program's own word for a text that this engine never sends; nobody hears it.
    given.delete('invalid-command');
    expect([...given].sort()).toEqual([...REFUSAL_CODES].sort());
  });

  test('events: each type is emitted by the program, and the program emits no other', () => {
    expect([...found(/"((?:[A-Z][a-z]+){2,}) /g)].sort()).toEqual([...STREAM_EVENT_TYPES].sort());
  });

  test.each<[what: string, statuses: readonly string[], isFile: (name: string) => boolean]>([
    ['stocktake', STOCKTAKE_STATUSES, (name) => name === 'stocktake' || name === 'lock'],
    ['transfer', TRANSFER_STATUSES, (name) => name === 'transfer'],
    ['reservation', RESERVATION_STATUSES, (name) => !['stocktake', 'lock', 'transfer'].includes(name)],
  ])(
    'statuses of a %s: the program sets and asks for each of them, and for no other',
    (what, statuses, isFile) => {
      const text = LUA_FILES.filter(isFile).map((name) => withoutComments(luaTexts.get(`${name}.lua`) ?? ''));
      const lines = text
        .join('\n')
        .split('\n')
        .filter((line) => !line.includes('call('));
      // A count may release holds, which are none of its own.
      const its = what === 'stocktake' ? lines.filter((line) => !line.includes('reservation')) : lines;
      const words = found(/"\^?([A-Z][A-Z_]+)(?=[ "])/g, its.join('\n'));
      for (const answer of ['OK', 'DONE', 'REPLAYED', 'REFUSED', 'NOT_READY', 'MSETEX', 'PXAT'])
        words.delete(answer);
      expect(words).toEqual(new Set(statuses));
    },
  );

  test('why a warehouse was passed by: each reason is given where warehouses are chosen, and no other', () => {
    expect(found(/^ *return [\w, ]*"(\w+)", left$/gm)).toEqual(new Set(SKIP_REASONS));
  });

  test('causes of a release: each is emitted, and no other', () => {
    const emitted = code
      .split('\n')
      .filter((line) => line.includes('"InventoryReleased '))
      .join('\n');
    const words = found(/" ?(\w+)[ "]/g, emitted.replace(/"InventoryReleased /g, ''));
    for (const word of [...words]) if (!/^[a-z]+$/.test(word) || word === ACTOR_CLOCK) words.delete(word);
    expect([...words].sort()).toEqual([...RELEASE_CAUSES].sort());
  });

  test('commands: each kind of the domain is a verb of the program, and a verb that moves stock is one of them', () => {
    const kinds = found(/readonly kind: '([a-z-]+)'/g, read('src/domain/commands.ts'));
    expect(kinds.size).toBeGreaterThan(0);
    const verbs = found(/^parsers\["([a-z-]+)"\]/gm);
    // Looking, trimming and setting apart decide nothing about stock.
    const beside = [...verbs].filter(
      (verb) => verb.startsWith('look-') || ['trim', 'quarantine', 'lift'].includes(verb),
    );
    expect([...verbs].filter((verb) => !beside.includes(verb)).sort()).toEqual([...kinds].sort());
  });

  test('commands: each kind stands in the first line of its file, in words', () => {
    const kinds = found(/readonly kind: '([a-z-]+)'/g, read('src/domain/commands.ts'));
    for (const kind of kinds) {
      const [name, text = ''] = [...luaTexts].find(([, text]) => text.includes(`parsers["${kind}"] =`)) ?? [];
      expect(text.split('\n')[0], name).toMatch(new RegExp(`^-- .*\\b${kind}\\b`));
    }
  });

  test('verbs: each of the program is sent by the engine', () => {
    const engine = filesIn('src/hotpath', '.ts').map(read).join('\n');
    for (const verb of found(/^parsers\["([a-z-]+)"\]/gm))
      expect(engine).toMatch(new RegExp(`['"\`]${verb}['"\` ]`));
  });

  test('limits: the program spells only those that are its own', () => {
    const own = [
      'KEYS_BEFORE',
      'ARGS_BEFORE',
      'POSTPONE_MS',
      'CLOCK_LEAP_MS_MAX',
      'ENTRIES_MAX',
      'SLICE_MAX',
    ];
    expect([...found(/^local ([A-Z_]+) = \d/gm)].sort()).toEqual(own.sort());
  });
});

describe('the numbers of the rules', () => {
  const places: [string, string][] = [
    ['lua', program],
    ['the aggregate', filesIn('src/domain', '.ts').map(read).join('\n')],
    ['the names of its tests', [...found(/test[^'\n]*\('(.*)'/g, testsOf('test/domain'))].join('\n')],
    [
      'the names of the tests of the engine',
      [...found(/test[^'\n]*\('(.*)'/g, testsOf('test/hotpath'))].join('\n'),
    ],
    [
      'the names of the examples of both',
      [...found(/test[^'\n]*\('(.*)'/g, testsOf('test/agreement'))].join('\n'),
    ],
  ];
  function testsOf(folder: string): string {
    // A table of tests spells the name behind its rows.
    const texts = filesIn(folder, '.test.ts').map(read).join('\n');
    return texts.replace(/\]\)?\)\(\s*'/g, "])\ntest('").replace(/\]( as const)?\)\('/g, "])\ntest('");
  }

  test.each(['BR-001', 'BR-002', 'BR-003', 'BR-004', 'BR-005', 'BR-006', 'BR-007'])(
    '%s stands wherever it can be broken',
    (number) => {
      for (const [place, text] of places.slice(0, 3)) expect(text.includes(number), place).toBe(true);
    },
  );

  test('BR-004, BR-006 and BR-007 stand in SQL too, which can say them', () => {
    const sql = filesIn('src/ledger/migrations', '.ts').map(read).join('\n');
    for (const number of ['BR-004', 'BR-006', 'BR-007']) expect(sql).toContain(number);
  });

  test('no number stands in the program or the tests that the seed does not have', () => {
    for (const [place, text] of places) {
      for (const number of found(/(BR-\d+)/g, text)) expect(number, place).toMatch(/^BR-00[1-7]$/);
    }
  });
});

describe('the house rules of Lua', () => {
  test('every file is part of the program, or a script of its own that the hot path loads by name', () => {
    const alone = luaFiles.filter((name) => !LUA_FILES.some((part) => `${part}.lua` === name));
    const engine = filesIn('src/hotpath', '.ts').map(read).join('\n');
    for (const name of alone) {
      expect(luaTexts.get(name)).toMatch(/^#!lua( flags=[a-z-]+)?\n/);
      expect(engine).toContain(`'${name}'`);
    }
    expect(LUA_FILES.filter((part) => !luaTexts.has(`${part}.lua`))).toEqual([]);
    expect(new Set(LUA_FILES).size).toBe(LUA_FILES.length);
  });

  test('the program opens with `#!lua`, which checks memory, role and slots before the first line', () => {
    const { text, withoutMemory } = loadProgram();
    expect(text).toMatch(/^#!lua\n/);
    expect(withoutMemory.text).toMatch(/^#!lua flags=allow-oom\n/);
    expect([...text.matchAll(/^#!/gm)]).toHaveLength(1);
  });

  test.each(luaFiles)('%s opens with a comment that says what it is for', (name) => {
    expect(luaTexts.get(name)).toMatch(/^(#!lua( flags=[a-z-]+)?\n)?-- \S.{20,}\n/);
  });

  test.each(luaFiles)(
    '%s catches no error, makes no number into text by itself, and calls in capitals',
    (name) => {
      const text = withoutComments(luaTexts.get(name) ?? '');
      expect(text).not.toMatch(/redis\.pcall|\bpcall\b/);
      expect(text).not.toMatch(/\btostring\s*\(/);
      expect(text).not.toMatch(/\b(loadstring|setfenv|getfenv|rawset|cjson|cmsgpack)\b/);
      for (const [call] of text.matchAll(/\bcall\(.*/g)) expect(call).toMatch(/^call\("[A-Z]+"/);
    },
  );

  test('texts are sorted by their bytes, whatever the locale of the server is', () => {
    for (const [sort] of code.matchAll(/table\.sort\(.*/g))
      expect(sort).toMatch(/, (is_before\)|function\()/);
  });

  test('nothing is assigned that is local nowhere; what is local elsewhere, Redis itself refuses', () => {
    expect(
      globalsAssigned(
        'local a = 1\na = 2\nb, c.d = 3, 4\nlocal t = {\n  e = 5,\n}\nfunction f(g)\n  g = 6\nend',
      ),
    ).toEqual(['b', 'f']);
    expect(globalsAssigned(code)).toEqual([]);
    for (const name of luaFiles) {
      const text = withoutComments(luaTexts.get(name) ?? '');
      if (!LUA_FILES.some((part) => `${part}.lua` === name)) expect(globalsAssigned(text)).toEqual([]);
    }
  });

  test('no line ends in a space, and none is longer than the linter allows', () => {
    for (const line of program.split('\n')) {
      expect(line).not.toMatch(/\s$/);
      expect(line.length).toBeLessThanOrEqual(130);
    }
  });
});

/** Names that a statement assigns or a function takes although no `local`, parameter or loop has declared them. */
function globalsAssigned(text: string): string[] {
  const declared = new Set<string>();
  const declare = (names: string): void => {
    for (const name of names.split(',')) declared.add(name.trim());
  };
  for (const [, names = ''] of text.matchAll(/\blocal ([\w, ]+)/g)) declare(names.replace(/^function /, ''));
  for (const [, names = ''] of text.matchAll(/\bfunction ?\w*\(([\w, ]*)\)/g)) declare(names);
  for (const [, names = ''] of text.matchAll(/\bfor ([\w, ]+?) (?:in\b|=)/g)) declare(names);
  const assigned: string[] = [];
  let braces = 0; // inside a table `name =` is a field
  for (const line of text.split('\n')) {
    const names = /^\s*([A-Za-z_][\w.[\]"]*(?:, [A-Za-z_][\w.[\]"]*)*) = /.exec(line)?.[1];
    if (braces === 0) {
      for (const name of names?.split(', ') ?? []) if (/^\w+$/.test(name)) assigned.push(name);
      const named = /^\s*function (\w+)/.exec(line)?.[1];
      if (named) assigned.push(named);
    }
    const bare = line.replace(/"[^"]*"/g, '');
    braces += bare.split('{').length - bare.split('}').length;
  }
  return assigned.filter((name) => !declared.has(name));
}
