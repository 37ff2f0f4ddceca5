/**
 * Guards what a machine can check in the documents: links lead somewhere, files that are named exist, the glossary and the
 * domain model have every event, refusal, rule and command, and figures are the same wherever they are quoted.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES, EVENTS, REFUSAL_CODES } from '../src/domain/language.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'lua/README.md',
  'loadtest/README.md',
];

/** The text without fenced blocks, whose brackets are no links. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}
/** As GitHub names the anchor of a heading. */
function anchorOf(heading: string): string {
  const words = heading.replaceAll(/[`*]/g, '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return words
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}
function anchorsOf(text: string): Set<string> {
  return new Set([...prose(text).matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? '')));
}
/** First cells of all table rows, without marks of code. */
function firstCells(text: string): Set<string> {
  return new Set([...text.matchAll(/^\| `?([^|`]*?)`? +\|/gm)].map((match) => match[1] ?? ''));
}

describe('links and names', () => {
  test.each(DOCUMENTS)(
    '%s: every relative link leads to a file, and to a heading where it names one',
    (path) => {
      const dead: string[] = [];
      for (const [, target = ''] of prose(read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file = '', anchor] = decodeURIComponent(target).split('#');
        const to = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
        if (!existsSync(join(ROOT, to))) dead.push(target);
        else if (anchor !== undefined && to.endsWith('.md') && !anchorsOf(read(to)).has(anchor))
          dead.push(target);
      }
      expect(dead).toEqual([]);
    },
  );

  test.each(DOCUMENTS)('%s: every file and folder it names exists', (path) => {
    const names = read(path).matchAll(/`((?:src|test|lua|docs|loadtest)\/[\w./-]*)`/g);
    const missing = [...names].flatMap(([, name = '']) => (existsSync(join(ROOT, name)) ? [] : [name]));
    expect(missing).toEqual([]);
  });
});

test('docs/internals.md names only classes, functions and types that the code has', () => {
  const text = ['src', 'lua']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
    )
    .filter((name) => /\.(ts|lua)$/.test(name))
    .map(read)
    .join('\n');
  const named = [...read('docs/internals.md').matchAll(/`([A-Za-z]+[A-Z]\w*)`/g)].map(
    (match) => match[1] ?? '',
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => name !== 'readX' && !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});

describe('operations', () => {
  test.each(DOCUMENTS)('%s: every script it runs is one of package.json', (path) => {
    const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
    const run = [...read(path).matchAll(/npm run (?:--silent )?([a-z][a-z:-]*)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(run.filter((name) => !scripts.includes(name))).toEqual([]);
  });

  test('names every setting that the configuration reads, and no other', () => {
    const named = new Set(read('docs/operations.md').match(/\bHOLDFAST_[A-Z_]+\b/g));
    const known = new Set(read('src/config.ts').match(/\bHOLDFAST_[A-Z_]+\b/g));
    expect(named).toEqual(known);
  });

  test('names only metrics that the code has, and all of them', () => {
    const sources = ['src/http', 'src/programs', 'src/worker']
      .flatMap((folder) =>
        readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
      )
      .filter((name) => name.endsWith('.ts'))
      .map(read)
      .join('\n');
    const prefixed = (text: string) =>
      [...text.matchAll(/\bholdfast_([a-z_]+[a-z])\b/g)].map((match) => match[1] ?? '');
    const isRole = (name: string) => /^(writer|reader|api|owner)$/.test(name);
    const named = [...new Set(prefixed(read('docs/operations.md')))].filter((name) => !isRole(name));
    const known = [...new Set(prefixed(sources))].filter((name) => !isRole(name));
    expect(named.sort()).toEqual(known.sort());
  });
});

test('every decision that the code cites is there', () => {
  const decisions = read('docs/decisions.md');
  const cited = ['src', 'lua', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .filter((name) => /\.(ts|lua)$/.test(String(name)))
      .flatMap((name) =>
        [...read(`${folder}/${name}`).matchAll(/[(, ]([DW]\d{1,2})[),]/g)].map((match) => match[1] ?? ''),
      ),
  );
  expect(new Set(cited).size).toBeGreaterThan(8);
  const missing = [...new Set(cited)].filter(
    (name) => !new RegExp(`(^## |\\*\\*)${name} `, 'm').test(decisions),
  );
  expect(missing).toEqual([]);
});

describe('the glossary', () => {
  const glossary = read('docs/glossary.md');

  test('has the events as the table of events explains them', () => {
    const rows = EVENT_TYPES.map((type) => `| ${type} | ${EVENTS[type].en} | ${EVENTS[type].zh} |`);
    expect(rows.filter((row) => !glossary.includes(row))).toEqual([]);
  });

  test('has a row for every refusal code and rule', () => {
    const rows = firstCells(glossary);
    const rules = Array.from({ length: 7 }, (_, i) => `BR-00${i + 1}`);
    expect([...REFUSAL_CODES, ...rules].filter((word) => !rows.has(word))).toEqual([]);
  });

  test.each(DOCUMENTS.filter((path) => path !== 'docs/performance.md'))(
    '%s: Chinese has one term for a thing, and full-width brackets',
    (path) => {
      const text = read(path);
      const former = /訂單行|盤點行|密鑰|核對|時代|圍欄|占用|兩個儲存|鍵值消失|網路回呼|確認等級/g;
      const narrow = /[\p{Script=Han}，。]\([^)]*\p{Script=Han}[^)]*\)/gu;
      expect([...(text.match(former) ?? []), ...(prose(text).match(narrow) ?? [])]).toEqual([]);
    },
  );
});

describe('the domain model', () => {
  const model = read('docs/domain-model.md');
  const sources = ['src/domain', 'src/model']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
    )
    .filter((name) => name.endsWith('.ts'))
    .map(read)
    .join('\n');

  test('has every command, with its type and the events that exist', () => {
    const rows = [...model.matchAll(/^\| `([a-z-]+)` \| `(\w+)` \|.*$/gm)];
    const kinds = new Set([...sources.matchAll(/readonly kind: '([a-z-]+)'/g)].map((match) => match[1]));
    expect(new Set(rows.map((row) => row[1]))).toEqual(kinds);
    for (const [, , type] of rows) expect(sources).toMatch(new RegExp(`export (interface|type) ${type}\\b`));
    const section = model.slice(model.indexOf('## Commands and events'), model.indexOf('## Allocation'));
    const named = new Set([...section.matchAll(/`([A-Z]\w+)`/g)].map((match) => match[1]));
    expect(EVENT_TYPES.filter((type) => !named.has(type))).toEqual([]);
  });

  /** Fields of an interface and of those it extends, by its source. */
  function fieldsOf(name: string): string[] | undefined {
    const found = new RegExp(
      `export interface ${name}\\b( extends ([^{]*))? \\{(?:\\}|\\n([\\s\\S]*?)\\n\\})`,
    ).exec(sources);
    if (!found) return undefined;
    const own = [...(found[3] ?? '').matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] ?? '');
    const parents = (found[2] ?? '').split(/,(?![^<]*>)/).flatMap((parent) => {
      const omitted = /Omit<(\w+), '(\w+)'>/.exec(parent);
      const inherited = fieldsOf(omitted?.[1] ?? parent.trim()) ?? [];
      return inherited.filter((field) => field !== omitted?.[2]);
    });
    return [...own, ...parents];
  }

  test('shows of each class the fields that the code has, all of them', () => {
    const classes = [...model.matchAll(/^ {2}class (\w+) \{\n([\s\S]*?)^ {2}\}/gm)];
    expect(classes.length).toBeGreaterThan(8);
    for (const [, name = '', body = ''] of classes) {
      expect(sources, name).toMatch(new RegExp(`export (interface|type|class) ${name}\\b`));
      const shown = [...body.matchAll(/^ {4}\+[\w[\]]+ (\w+)$/gm)].map((match) => match[1] ?? '');
      if (shown.length > 0) expect(shown.sort(), name).toEqual(fieldsOf(name)?.sort());
      for (const [, operation] of body.matchAll(/\+(\w+)\(/g))
        expect(sources, name).toMatch(new RegExp(`\\b${operation}\\(`));
    }
  });
});

describe('figures', () => {
  test('of the README and of the reflection are those of performance.md and scaling.md', () => {
    const source = `${read('docs/performance.md')}\n${read('docs/scaling.md')}`;
    const section = /^## Figures$([\s\S]*?)^## /m.exec(read('README.md'))?.[1] ?? '';
    const cells = [...section.matchAll(/^\| [^|]* \| ([^|]*) \|/gm)].map((match) => match[1] ?? '');
    expect(cells.length).toBeGreaterThan(4);
    const quoted = cells.flatMap((cell) => cell.match(/\d[\d,.]*/g) ?? []);
    const reflected = read('docs/reflection.md').match(/\d+(?= %| GiB)/g) ?? [];
    expect([...quoted, ...reflected].filter((figure) => !source.includes(figure))).toEqual([]);
  });
});
