/**
 * The alert rules that ship: promtool tests them, Prometheus itself loads them beside a real API and a real worker, every metric
 * in them is one that a process shows, and docs/operations.md lists exactly these alerts.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { runCommand } from '../../src/local/machine.ts';
import {
  addressOf,
  isLive,
  type Run,
  runCommand as runProcess,
  runProgram,
} from '../programs/run-program.ts';
import { freePort } from '../servers/own-redis.ts';
import { debianProgram } from '../servers/releases.ts';
import { ledgerDatabase, testPrefix, testRedisUrl } from '../services.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

const ROOT = new URL('../../', import.meta.url).pathname;
const FOLDER = join(ROOT, 'ops/prometheus');
const RULES = readFileSync(join(FOLDER, 'holdfast.rules.yml'), 'utf8');
const TESTS = readFileSync(join(FOLDER, 'holdfast.rules.test.yml'), 'utf8');
const OPERATIONS = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');

interface Alert {
  readonly name: string;
  readonly severity: string;
  readonly expression: string;
  readonly for: string;
  readonly summary: string;
  readonly description: string;
  readonly see: string;
}

/** The value of a key of a rule: on its line, or folded on the lines below it. */
function fieldOf(rule: string, key: string): string {
  const found = new RegExp(`^( +)${key}: (?:>-\\n((?:\\1  .*\\n)+)|(.*)$)`, 'm').exec(`${rule}\n`);
  const text = (found?.[2] ?? found?.[3] ?? '').trim().replaceAll(/\s*\n\s*/g, ' ');
  return text.replace(/^'(.*)'$/, '$1');
}

const ALERTS: readonly Alert[] = RULES.split(/^ +- alert: /m)
  .slice(1)
  .map((rule) => ({
    name: /^\w+/.exec(rule)?.[0] ?? '',
    severity: /severity: (\w+)/.exec(rule)?.[1] ?? '',
    expression: fieldOf(rule, 'expr'),
    for: fieldOf(rule, 'for'),
    summary: fieldOf(rule, 'summary'),
    description: fieldOf(rule, 'description'),
    see: fieldOf(rule, 'see'),
  }));

interface Tool {
  readonly file: string;
  readonly env: Record<string, string>;
}
let promtool: Tool | undefined;
let prometheus: Tool | undefined;
beforeAll(async () => {
  try {
    promtool = await debianProgram('prometheus', 'usr/bin/promtool');
    prometheus = await debianProgram('prometheus', 'usr/bin/prometheus');
  } catch (error) {
    console.log(`skipped, no promtool: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
  }
});

test('promtool accepts the rules, and their tests pass', async (context) => {
  if (!promtool) return context.skip();
  const setting = { timeoutMs: 120_000, env: promtool.env, cwd: FOLDER };
  expect(await runCommand(promtool.file, ['check', 'rules', 'holdfast.rules.yml'], setting)).toContain(
    `${ALERTS.length} rules found`,
  );
  await runCommand(promtool.file, ['test', 'rules', 'holdfast.rules.test.yml'], setting);
});

test('each alert is tested, has a severity, a summary, and the one command to run first', () => {
  expect(ALERTS.length).toBeGreaterThan(15);
  const scripts = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts);
  for (const { name, severity, summary, description, see } of ALERTS) {
    expect(TESTS, name).toContain(name);
    expect(severity, name).toMatch(/^(critical|warning)$/);
    expect(summary, name).toMatch(/^\S.*\.$/);
    expect(description, name).toMatch(/\. Run first: \S[^:]/);
    const script = /Run first: npm run ([\w-]+)/.exec(description)?.[1];
    if (script !== undefined) expect(scripts, name).toContain(script);
    const [, anchor = ''] = /^docs\/operations\.md#(\S+)$/.exec(see) ?? [];
    const headings = [...OPERATIONS.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .trim()
        .replaceAll(' ', '-'),
    );
    expect(headings, name).toContain(anchor);
  }
});

test('docs/operations.md lists these alerts, in their order and words', () => {
  const plain = (text: string) => text.replaceAll(/\{\{.*?\}\}/g, '…').replaceAll('|', '\\|');
  const rows = ALERTS.map((alert) => {
    const first = alert.description.split('Run first: ')[1] ?? '';
    const [, anchor] = alert.see.split('#');
    const after = alert.for === '' ? 'at once' : alert.for;
    return `| [\`${alert.name}\`](#${anchor}) | ${alert.severity}, ${after} | ${plain(alert.summary)} | \`${first.replaceAll('|', '\\|')}\` |`;
  });
  const section = OPERATIONS.slice(OPERATIONS.indexOf('### Alerts\n'), OPERATIONS.indexOf('## Bulk'));
  const listed = section.split('\n').filter((line) => line.startsWith('| [`Holdfast'));
  expect(listed).toEqual(rows);
});

interface Shop {
  readonly api: string;
  readonly workerUrl: string;
  readonly worker: Run;
}

/** A built API and a built worker, as they run for real. */
async function startShop(): Promise<Shop> {
  const database = await ledgerDatabase();
  onTestFinished(() => database.drop());
  const workerPort = await freePort();
  const env = {
    REDIS_URL: testRedisUrl(),
    DATABASE_URL: database.url,
    HOLDFAST_PREFIX: testPrefix(),
    HOLDFAST_WORKER_PORT: String(workerPort),
    PORT: '0',
  };
  const worker = runProgram('work', env);
  const api = runProgram('serve', env);
  onTestFinished(async () => {
    for (const run of [api, worker]) run.process.kill('SIGKILL');
    await Promise.all([api.ended, worker.ended]);
  });
  const url = await addressOf(api);
  await isLive(api, url);
  const workerUrl = `http://127.0.0.1:${workerPort}`;
  await isLive(worker, workerUrl);
  return { api: url, workerUrl, worker };
}

test('every metric and label value in the rules is one that an API or a worker shows', async () => {
  const { api, workerUrl } = await startShop();
  const shown = await Promise.all(
    [api, workerUrl].map(async (url) => (await fetch(`${url}/metrics`)).text()),
  );
  const metrics = new Set(
    [...shown.join('\n').matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  const named = ALERTS.flatMap(({ expression }) => expression.match(/\bholdfast_\w+/g) ?? []);
  expect(named.length).toBeGreaterThan(20);
  expect([...new Set(named)].filter((name) => !metrics.has(name))).toEqual([]);
  // In the tests of the rules as well, or they test what no process says.
  const tested = TESTS.match(/\bholdfast_\w+/g) ?? [];
  expect([...new Set(tested)].filter((name) => !metrics.has(name))).toEqual([]);

  const selected = ALERTS.flatMap(({ expression }) => [...expression.matchAll(/\b(code|state)="([^"]+)"/g)]);
  expect(selected.length).toBeGreaterThan(2);
  for (const [, label, value] of selected) expect(shown.join(), label).toContain(`${label}="${value}"`);
  // Counters end in _total, and nothing else does.
  const types = [...shown.join('\n').matchAll(/^# TYPE (holdfast_\w+) (\w+)$/gm)];
  for (const [, name = '', type] of types) expect(type === 'counter', name).toBe(name.endsWith('_total'));
});

test('Prometheus loads the rules, finds API and worker, and tells when the worker is gone', async (context) => {
  if (!prometheus) return context.skip();
  const { api, workerUrl, worker } = await startShop();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-prometheus-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // The same rules without the patience that a test has not.
  const rules = RULES.replace(/(HoldfastNobodyCarries\n.*\n +for:) 30s/, '$1 1s');
  expect(rules).not.toBe(RULES);
  await writeFile(join(folder, 'holdfast.rules.yml'), rules);
  const target = (name: string, url: string) =>
    `  - job_name: ${name}\n    static_configs: [{ targets: ['${new URL(url).host}'] }]\n`;
  await writeFile(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }\n` +
      `rule_files: [holdfast.rules.yml]\nscrape_configs:\n${target('api', api)}${target('worker', workerUrl)}`,
  );
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  const running = runProcess(prometheus.file, [...args, `--web.listen-address=${new URL(url).host}`], {
    env: prometheus.env,
  });
  const ask = async (expression: string): Promise<string[]> => {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result.map(({ value }) => value[1]);
  };
  const eventually = (expression: string, expected: string[]) =>
    vi.waitFor(async () => expect(await ask(expression)).toEqual(expected), {
      timeout: 60_000,
      interval: 100,
    });
  try {
    await eventually('up', ['1', '1']);
    await eventually('sum(holdfast_worker_active)', ['1']);
    await eventually('count(ALERTS{alertname="HoldfastNobodyCarries"}) or vector(0)', ['0']);
    worker.process.kill('SIGTERM');
    await eventually('count(ALERTS{alertname="HoldfastNobodyCarries",alertstate="firing"})', ['1']);
    const shown = await (await fetch(`${url}/api/v1/rules`)).json();
    expect(JSON.stringify(shown)).not.toContain('"health":"err"');
  } catch (error) {
    throw new Error(`Prometheus said: ${running.said().slice(-2_000)}`, { cause: error });
  } finally {
    running.process.kill('SIGTERM');
    await running.ended;
  }
});
