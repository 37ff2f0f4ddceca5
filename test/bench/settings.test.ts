/** What `npm run bench` is asked for. */
import { expect, test } from 'vitest';
import { readSettings, SECTION_NAMES, USAGE, WrongOption } from '../../loadtest/bench/settings.ts';

const read = (line: string) => readSettings(line.split(' ').filter(Boolean));

test('all sections, in their order, unless some are asked for', () => {
  expect(read('')).toMatchObject({ only: SECTION_NAMES, quick: false, repeats: 5, guard: false });
  expect(read('--only peers,engine --quick')).toMatchObject({ only: ['peers', 'engine'], repeats: 2 });
  for (const name of SECTION_NAMES) expect(USAGE).toContain(name);
});

test('charts that nobody asked for do not take the place of those that are shown', () => {
  expect(read('--only peers')).toMatchObject({ charts: expect.stringMatching(/^\.holdfast\//) });
  expect(read('--only cost --charts docs/figures')).toMatchObject({ only: ['cost'], charts: 'docs/figures' });
});

test('another checkout is measured beside this one, without the sections', () => {
  expect(read('--against ../before --quick')).toMatchObject({ against: '../before', repeats: 2 });
  expect(read('')).toMatchObject({ against: undefined });
});

test.each([
  '--only speed',
  '--repeats 0',
  '--repeats many',
  '--guard --quick',
  '--against ../before --only engine',
  '--against ../before --guard',
  '--fast',
  'engine',
  '--svg peers.svg',
])('%s is refused', (line) => {
  expect(() => read(line)).toThrow(WrongOption);
});
