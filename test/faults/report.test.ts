/** What counts as a fault of Holdfast, what as a control that has not failed, and that a schedule can be repeated. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { breakCopy } from '../../loadtest/faults/broken.ts';
import { Chance } from '../../loadtest/faults/chance.ts';
import type { Experiment, Result } from '../../loadtest/faults/experiment.ts';
import { EXPERIMENTS } from '../../loadtest/faults/experiment-list.ts';
import { NO_CLOCK_FENCE, NO_LINK, NO_TAIL, NO_VERIFICATION } from '../../loadtest/faults/removals.ts';
import { faultsOf, tables, totalsOf } from '../../loadtest/faults/report.ts';
import { readSettings } from '../../loadtest/faults/settings.ts';

const GOOD: Result = {
  isCaughtUp: true,
  acknowledged: 100,
  lost: [],
  listedById: 0,
  listedByRange: 0,
  oversold: 0,
  soldAgain: 0,
  twice: 0,
  differences: [],
  firstAgainS: 0.5,
  commands: [],
  stuck: undefined,
};

const experiment = (own: Partial<Experiment> = {}): Experiment => ({
  name: 'kill/anything',
  title: 'anything is killed',
  scene: { servers: 'single' },
  runs: 1,
  strike: async () => {},
  ...own,
});
const row = (own: Partial<Result>, of: Partial<Experiment> = {}) => ({
  experiment: experiment(of),
  results: [GOOD, { ...GOOD, ...own }],
});

describe('a row', () => {
  test('in which every promise was kept has no fault', () => {
    expect(faultsOf(row({}))).toEqual([]);
  });

  test.each<[what: string, own: Partial<Result>, fault: RegExp]>([
    ['a unit was sold twice', { oversold: 1 }, /1 units oversold/],
    ['an order was deducted twice', { twice: 1 }, /deducted twice/],
    ['an acknowledged order is gone', { lost: ['A'], listedById: 1 }, /1 acknowledged orders lost/],
    ['one run did not come back', { stuck: 'no answer' }, /did not come back/],
    ['the stores differ', { differences: ['x'] }, /differ/],
  ])('in which %s is a fault', (_, own, fault) => {
    expect(faultsOf(row(own)).join()).toMatch(fault);
  });

  test('that may lose is a fault only where a lost order is listed nowhere', () => {
    const lost = { lost: ['A', 'B'], differences: ['A is gone'] };
    expect(faultsOf(row({ ...lost, listedById: 1, listedByRange: 1 }, { mayLose: true }))).toEqual([]);
    expect(faultsOf(row({ ...lost, listedById: 1 }, { mayLose: true })).join()).toMatch(/nothing lists/);
  });

  test('of a control is a fault unless it failed in the way it has to', () => {
    expect(faultsOf(row({}, { mustFail: 'lost' }))).toHaveLength(1);
    expect(faultsOf(row({ oversold: 1 }, { mustFail: 'lost' }))).toHaveLength(1);
    expect(faultsOf(row({ lost: ['A'] }, { mustFail: 'lost' }))).toEqual([]);
    expect(faultsOf(row({ lost: ['A'] }, { mustFail: 'lost', mayLose: true }))).toHaveLength(1);
  });

  test('sums its runs; the median is of those that came back', () => {
    const totals = totalsOf(row({ firstAgainS: undefined, commands: ['rebuild'] }));
    expect(totals).toMatchObject({ runs: 2, acknowledged: 200, firstAgainMedianS: 0.5, commands: 1 });
  });

  test('of a mechanism that was taken out stands in the second table as well', () => {
    const without = { name: 'the link', cuts: [] };
    const text = tables([
      row({ oversold: 5 }, { mustFail: 'oversold', scene: { servers: 'single', without } }),
    ]);
    expect(text).toContain('| the link | kill/anything | 5 units oversold |');
  });
});

test('every experiment has a name of its own; every group has a control', () => {
  const names = EXPERIMENTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.every((name) => /^[a-z-]+\/[a-z0-9-]+$/.test(name))).toBe(true);
});

test('the same seed gives the same schedule', () => {
  const draw = (seed: number) => {
    const chance = new Chance(seed);
    return Array.from({ length: 50 }, () => chance.whole(1, 1_000));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(new Set(draw(7)).size).toBeGreaterThan(40);
});

test('--only takes groups and names, and says what there is', () => {
  const settings = readSettings(['--only', 'power-cut, restore/both', '--runs', '3', '--seed', '9']);
  if (settings === 'help') throw new Error('no help was asked for');
  expect(settings.experiments.map(({ name }) => name)).toContain('restore/both');
  expect(settings.experiments.every(({ name }) => /^power-cut\/|^restore\/both$/.test(name))).toBe(true);
  expect(settings).toMatchObject({ runs: 3, seed: 9, json: false });
  expect(() => readSettings(['--only', 'restore/nothing'])).toThrow(/there are power-cut/);
});

test('what a control takes out stands in the product, once', async () => {
  for (const { cuts } of [NO_LINK, NO_VERIFICATION, NO_TAIL, NO_CLOCK_FENCE]) {
    for (const { file, find } of cuts) {
      const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
      expect(typeof find === 'string' ? text.split(find).length - 1 : text.match(find)?.length).toBe(1);
    }
  }
});

test('a copy is broken only where the text to take out stands there once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const cut = { file: 'lua/batch.lua', find: 'a text that is not there', replace: '' };
  await expect(breakCopy(join(folder, 'copy'), [cut])).rejects.toThrow(/lua\/batch\.lua has 0 times/);
});
