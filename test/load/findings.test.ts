/** What makes a load run pass or fail, its remarks, and that its page is one file without a program. */
import { expect, test } from 'vitest';
import { readTicks } from '../../loadtest/cpu.ts';
import { type Course, findingsOf } from '../../loadtest/load/findings.ts';
import type { Summary } from '../../loadtest/load/k6-run.ts';
import { drawReport, isPassed, type LoadReport, reportText } from '../../loadtest/load/report.ts';
import { readGauge, type Sample } from '../../loadtest/load/sampler.ts';
import { readSettings } from '../../loadtest/load/settings.ts';
import { Tally } from '../../loadtest/load/tally.ts';
import type { Proof } from '../../src/proof/proof.ts';

const START = 1_000;

function tally(): Tally {
  const all = new Tally();
  for (let second = START; second < START + 10; second++) {
    const yeses = [`1-${second}`];
    all.add(JSON.stringify({ second, waits: [15, 25], statuses: { 201: 1, 409: 1 }, yeses }));
  }
  return all;
}

const counter = (count: number) => ({ values: { count } });
const summary = (more: Summary['metrics'] = {}): Summary => ({
  metrics: { iterations: counter(20), unexpected: counter(0), oversold: counter(0), ...more },
});

const sample = (second: number, more: Partial<Sample> = {}): Sample => ({
  atMs: (START + second) * 1_000,
  lagEvents: 0,
  lagSeconds: 0,
  reserved: 10,
  sold: 0,
  ...more,
});
const samples = (lag: Readonly<Record<number, Partial<Sample>>> = {}) =>
  Array.from({ length: 25 }, (_, i) => sample(i - 2, lag[i - 2]));

const proof: Proof = {
  items: 1,
  received: 100,
  available: 90,
  reserved: 10,
  sold: 0,
  oversold: 0,
  orders: { ACTIVE: 10 },
  ledgerRows: 11,
  acknowledged: 10,
  lost: 0,
  differences: [],
  drift: 0,
  isProven: true,
};

function course(more: Partial<Course> = {}): Course {
  const settings = readSettings(['steady', '--rate', '2', '--seconds', '10'], {});
  if (settings === 'help') throw new Error('these are settings');
  return {
    settings,
    outcome: { summary: summary(), tally: tally(), broken: [] },
    samples: samples(),
    unreturned: undefined,
    isCaughtUp: true,
    proof,
    ...more,
  };
}

const failures = (more: Partial<Course>) =>
  findingsOf(course(more))
    .checks.filter(({ isFine }) => !isFine)
    .map(({ text }) => text);
const outcome = (metrics: Summary['metrics'], broken: string[] = []) => ({
  outcome: { summary: summary(metrics), tally: tally(), broken },
});

test('a run of which all is well passes', () => {
  expect(failures({})).toEqual([]);
});

test.each<[string, Partial<Course>, RegExp]>([
  ['an unexpected answer', outcome({ unexpected: counter(1) }), /unexpected answers: 1/],
  ['a unit oversold, by the API', outcome({ oversold: counter(2) }), /oversold: 2 by the API/],
  [
    'a unit oversold, by the stores',
    { proof: { ...proof, oversold: 3, isProven: false } },
    /3 by both stores/,
  ],
  ['a threshold of the script', outcome({}, ['late count<=1 (it is 5)']), /late count<=1/],
  ['a proof that does not hold', { proof: { ...proof, isProven: false } }, /proof over both stores/],
  ['an acknowledged order that is gone', { proof: { ...proof, lost: 1 } }, /proof over both stores/],
  [
    'an order nobody was told of',
    { proof: { ...proof, orders: { ACTIVE: 10, EXPIRED: 1 } } },
    /in the ledger: 11/,
  ],
  ['abandoned units that stay', { unreturned: 7 }, /not returned: 7/],
  ['a ledger that never catches up', { isCaughtUp: false }, /ledger complete/],
  [
    'a ledger that is late at the end',
    { samples: samples(Object.fromEntries(Array.from({ length: 23 }, (_, i) => [i, { lagEvents: 5 }]))) },
    /ledger complete never/,
  ],
  [
    'a ledger that falls behind meanwhile',
    { samples: samples({ 4: { lagEvents: 9, lagSeconds: 11 } }) },
    /11.0 s behind/,
  ],
])('%s fails it', (_, more, words) => {
  const found = failures(more);
  expect(
    found.some((text) => words.test(text)),
    found.join('\n'),
  ).toBe(true);
});

test('answers later than the bound fail it', () => {
  const settings = readSettings(['steady'], { LOAD_P99_MS: '2' });
  if (settings === 'help') throw new Error('these are settings');
  expect(failures({ settings }).join()).toMatch(/p99 of all answers 2.5 ms, at most 2 ms/);
});

test('a rate that is not carried is a remark and no failure', () => {
  const { remarks, checks } = findingsOf(course(outcome({ dropped_iterations: counter(5) })));
  expect(remarks.join('\n')).toMatch(/^20\.0 % of the orders were dropped/);
  expect(isPassed({ checks })).toBe(true);
  expect(findingsOf(course()).remarks.join('\n')).not.toContain('dropped');
});

test('totals have the answers by status, and the waits', () => {
  const totals = new Map(findingsOf(course()).totals);
  expect(totals.get('answers')).toBe('20');
  expect(totals.get('answers by status')).toBe('201: 10, 409: 10');
  expect(totals.get('wait for an answer')).toBe('p50 1.5 ms, p95 2.5 ms, p99 2.5 ms, max 2.5 ms');
});

test('processor time is read from /proc', () => {
  const stat = '4711 (a) b) (c) S 1 1 1 0 -1 4194304 100 200 0 0 150 50 30 20 20 0 1 0 5 6 7';
  expect(readTicks(stat)).toEqual({ own: 200, ended: 50 });
  expect(readTicks('')).toBeUndefined();
});

test('metrics are found by their whole names', () => {
  const page = '# HELP lag_events x\nlag_events_total 5\nlag_events 3\n';
  expect(readGauge(page, 'lag_events')).toBe(3);
  expect(readGauge(page, 'lag')).toBeNaN();
});

test('the page is one file, loads nothing from outside, and shows what failed', async () => {
  const report: LoadReport = {
    title: 'Orders <b>at one rate</b>',
    command: 'npm run load -- steady',
    startedAt: new Date(0),
    ...findingsOf(course({ unreturned: 3 })),
    proof: 'PROVEN: <all>',
    machine: ['a & b'],
  };
  const page = await drawReport(report);
  expect(page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(
    /<script|<link|<img|https?:|url\(|@import/i,
  );
  expect(page).not.toMatch(/<b>|<all>|NaN/);
  for (const unit of ['answers a second', 'ms (log scale)', 'events', 'units']) expect(page).toContain(unit);
  expect(page).toContain('✗ abandoned units that have not returned: 3');
  expect(page).toContain('Failed');
  expect(reportText(report)).toContain('FAILED abandoned units that have not returned: 3');
});
