/** The options of `npm run load`, and that the scripts it names are there. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WrongOption } from '../../loadtest/command.ts';
import { SCRIPTS } from '../../loadtest/load/scripts.ts';
import { readSettings, USAGE } from '../../loadtest/load/settings.ts';

const read = (line: string, environment = {}) => readSettings(line.split(' ').filter(Boolean), environment);

test('a script has its own load unless another is asked for', () => {
  expect(read('steady')).toMatchObject({ rate: 6_000, quick: false, p99MsMax: 1_000 });
  expect(read('steady --rate 250 --seconds 30')).toMatchObject({ rate: 250, seconds: 30 });
  const quick = SCRIPTS.find(({ name }) => name === 'steady')?.quick;
  expect(read('steady --quick')).toMatchObject({ quick: true, ...quick });
  expect(read('--quick steady --rate 7')).toMatchObject({ rate: 7, seconds: quick?.seconds });
});

test('the bound of p99 comes from the environment', () => {
  expect(read('steady', { LOAD_P99_MS: '250' })).toMatchObject({ p99MsMax: 250 });
  expect(() => read('steady', { LOAD_P99_MS: 'fast' })).toThrow(/LOAD_P99_MS fast/);
});

test('any text ends the SKUs', () => {
  expect(readSettings(['steady', '--sku', '茶/烏龍 500g'], {})).toMatchObject({ sku: '茶/烏龍 500g' });
  expect(read('steady')).toMatchObject({ sku: '' });
});

test.each([
  'nonsense',
  'steady flash-sale',
  '--quick',
  'steady --rate 0',
  'steady --rate 1.5',
  'steady --rate many',
  'steady --seconds 1',
  'steady --speed 3',
])('%s is refused with words', (line) => {
  expect(() => read(line)).toThrow(WrongOption);
});

test('without a script, or asked for it, the page that names all scripts is shown', () => {
  expect(read('')).toBe('help');
  expect(read('steady --help')).toBe('help');
  for (const { name } of SCRIPTS) expect(USAGE).toContain(name);
});

test('every script there is can be run, and every one that can be run is there', () => {
  const files = readdirSync(new URL('../../loadtest/k6/', import.meta.url)).filter(
    (name) => name !== 'shop.js',
  );
  expect(files.sort()).toEqual(SCRIPTS.map(({ name }) => `${name}.js`).sort());
});
