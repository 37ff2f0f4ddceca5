/**
 * The load by wrk, where it is installed: it costs less of the machine than autocannon, which shares the two cores with what
 * is measured. Promises: the same orders, and an answer that is not 201 ends the measurement.
 */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SKU, WAREHOUSE } from './hot-sku.ts';
import { type Load, type Loaded, LoadFailed, load } from './http-load.ts';

const SCRIPT = fileURLToPath(new URL('wrk-orders.lua', import.meta.url));
/** It may end later than it was told, not for ever. */
const LATE_MS_MAX = 20_000;

interface Found {
  readonly answers: number;
  readonly notCreated: number;
  readonly errors: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpuUs: number;
}

export interface LoadGenerator {
  readonly name: string;
  readonly load: typeof load;
  /** At a fixed rate, of which `perSecond` says how much became of it; only where the generator can do that evenly. */
  readonly paced?: (wish: Load, perSecond: number) => Promise<Loaded>;
}

/** wrk, or autocannon where it is not installed. Told `-v`, wrk says its name and ends with an error. */
export function loadGenerator(): LoadGenerator {
  const said = spawnSync('wrk', ['-v'], { encoding: 'utf8' }).stdout ?? '';
  return said.startsWith('wrk ')
    ? { name: 'wrk', load: loadByWrk, paced: loadByWrk }
    : { name: 'autocannon', load };
}

/** @throws {LoadFailed} */
async function loadByWrk(wish: Load, rate?: number): Promise<Loaded> {
  const { port, connections, mark, durationMs = 0 } = wish;
  const pace = rate === undefined ? [] : [String(rate)];
  const seconds = Math.ceil(durationMs / 1_000);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', SCRIPT, `http://127.0.0.1:${port}`];
  const { stdout } = await promisify(execFile)('wrk', [...args, '--', mark, SKU, WAREHOUSE, ...pace], {
    timeout: durationMs + LATE_MS_MAX,
  });
  const line = /^found (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) throw new LoadFailed(`wrk said: ${stdout}`);
  const { answers, notCreated, errors, durationUs, p50Us, p99Us, cpuUs } = JSON.parse(line) as Found;
  if (answers === 0 || notCreated + errors > 0) {
    throw new LoadFailed(`${answers} answers, ${notCreated} of them not 201, ${errors} errors`);
  }
  return {
    created: answers,
    perSecond: (answers * 1e6) / durationUs,
    p50Ms: p50Us / 1_000,
    p99Ms: p99Us / 1_000,
    loadUs: cpuUs / answers,
  };
}
