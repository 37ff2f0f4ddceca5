/** The options of `npm run bench`. */
import { expect, test } from 'vitest';
import { readSettings, SECTION_NAMES, USAGE } from '../../loadtest/bench/settings.ts';
import { WrongOption } from '../../loadtest/command.ts';

const read = (line: string) => readSettings(line.split(' ').filter(Boolean));

test('without --only all sections run in their order, except engine, which is a part of peers', () => {
  expect(read('')).toMatchObject({ only: SECTION_NAMES.slice(1), quick: false, repeats: 5, guard: false });
  expect(read('--only peers,cost --quick')).toMatchObject({ only: ['peers', 'cost'], repeats: 2 });
  for (const name of SECTION_NAMES) expect(USAGE).toContain(name);
});

test('charts go to docs/ only with --charts', () => {
  expect(read('--only peers')).toMatchObject({ charts: expect.stringMatching(/^\.holdfast\//) });
  expect(read('--only cost --charts docs/figures')).toMatchObject({ only: ['cost'], charts: 'docs/figures' });
});

test('a comparison with another checkout has five turns, also with --quick', () => {
  expect(read('--against ../before --quick')).toMatchObject({ against: '../before', repeats: 5 });
  expect(read('')).toMatchObject({ against: undefined });
});

test.each([
  '--only speed',
  '--repeats 0',
  '--repeats many',
  '--guard --quick',
  '--against ../before --only http',
  '--against ../before --guard',
  '--fast',
  'engine',
  '--svg peers.svg',
])('%s is refused', (line) => {
  expect(() => read(line)).toThrow(WrongOption);
});
