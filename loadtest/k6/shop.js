/**
 * What all load scripts share: how an order is sent, what counts as an answer, and how it is reported.
 * Promises: every answer is reported with its status and its wait; an unexpected one fails the run. Each buyer reports once
 * a second in one line, because k6's own outputs write every sample of every request, about a kilobyte an order, which a
 * process on the same cores would have to read.
 * Refuses to know: the stores and the proof; `npm run load` has those, and sets the LOAD_ variables.
 */
import http from 'k6/http';
import { Counter } from 'k6/metrics';

function needed(name) {
  const text = __ENV[name];
  if (!text) throw new Error(`${name} is not set: this script is started by "npm run load"`);
  return text;
}

const shopUrl = needed('LOAD_URL');
/** Begins every id, so that two runs never meet. */
export const run = needed('LOAD_RUN');
/** Ends every id: any text that an id may have, such as `茶/烏龍 500g`. */
const suffix = __ENV.LOAD_SKU || '';
/** An id of this run, of a SKU, warehouse, order, movement or count. In a URL it is percent-encoded. */
export const idOf = (name) => `${run}-${name}${suffix}`;
export const warehouseOf = (name) => `${name}${suffix}`;
/** The suffix within a JSON string. */
const suffixInJson = JSON.stringify(suffix).slice(1, -1);
/** Orders a second of the script's main scenario, and for how long. */
export const rate = Number(needed('LOAD_RATE'));
export const seconds = Number(needed('LOAD_SECONDS'));
const p99MsMax = Number(needed('LOAD_P99_MS'));

const unexpected = new Counter('unexpected');
const oversold = new Counter('oversold');
/** Answers later than the bound. Only these are counted: a percentile as a threshold is sorted anew every two seconds. */
const late = new Counter('late');

/** Buyers may go on this long after their last order was due; in a later scenario they buy again. */
export const GRACE_SECONDS = 3;

/**
 * Options of a script: its scenarios, and the thresholds that hold for all.
 * @param orders asked for in all scenarios; no more than one in a hundred may be later than the bound
 * @param buyers in all scenarios that go on at the same time
 * @param endsAfter seconds from the start to the last order
 */
export function optionsFor(scenarios, { orders, buyers, endsAfter = seconds }) {
  // A 409 is an answer like any other here.
  http.setResponseCallback(null);
  return {
    scenarios: {
      ...scenarios,
      // The same buyers once more, when all orders are answered: what they have not reported yet.
      reporting: {
        executor: 'per-vu-iterations',
        exec: 'reportRest',
        vus: buyers,
        startTime: `${endsAfter + GRACE_SECONDS}s`,
      },
    },
    thresholds: {
      oversold: ['count==0'],
      unexpected: ['count==0'],
      late: [`count<=${Math.floor(orders / 100)}`],
    },
    // Every tag costs, and nobody asks for one.
    systemTags: [],
    summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
    setupTimeout: '120s',
    teardownTimeout: '120s',
  };
}

/** An open loop: an order comes when it is due, however long the ones before it take. */
export function openLoop(exec, { perSecond = rate, from = 0, lasts = seconds, buyers }) {
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate: perSecond,
    startTime: `${from}s`,
    duration: `${lasts}s`,
    // All from the start: a buyer made meanwhile costs as much as a hundred orders.
    preAllocatedVUs: buyers,
    maxVUs: buyers,
    gracefulStop: `${GRACE_SECONDS}s`,
  };
}

const headers = { 'Content-Type': 'application/json' };
const quietly = { headers, responseType: 'none' };
const readably = { headers, responseType: 'text' };

let ordersOfBuyer = 0;
/** A name for the next order of this buyer, its id without the run and the suffix: `17-3`. */
export function nextOrder() {
  return `${__VU}-${++ordersOfBuyer}`;
}

/** One line of an order, as the contract has it. */
export function lineOf(sku, quantity = 1, warehouse) {
  const from = warehouse === undefined ? '' : `,"warehouse":${JSON.stringify(warehouse)}`;
  return `{"sku":${JSON.stringify(sku)},"quantity":${quantity}${from}}`;
}

/**
 * Asks to hold the lines for an order and answers the status.
 * @param lines their text, joined by commas; see `lineOf`
 * @param expected statuses that may be; any other fails the run
 */
export function reserve(name, lines, expected, holdSeconds) {
  const held = holdSeconds === undefined ? '' : `,"holdSeconds":${holdSeconds}`;
  const body = `{"orderId":"${run}-${name}${suffixInJson}","lines":[${lines}]${held}}`;
  const answer = http.post(`${shopUrl}/v1/reservations`, body, quietly);
  const { status } = answer;
  note(answer, status, expected, status === 201 ? name : undefined);
  return status;
}

/** The order is paid (`confirm`) or cancelled (`release`). */
export function resolve(name, verb) {
  const answer = http.post(
    `${shopUrl}/v1/reservations/${encodeURIComponent(idOf(name))}/${verb}`,
    '{}',
    quietly,
  );
  note(answer, answer.status, DONE);
}
const DONE = [200];

let second = 0;
let answers = 0;
let waits = [];
let statuses = {};
let yeses = [];
let hasComplained = false;

function note(answer, status, expected, yes) {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    reportRest();
    second = now;
  }
  const ms = answer.timings.duration;
  if (ms > p99MsMax) late.add(1);
  if (!expected.includes(status)) {
    unexpected.add(1);
    // Once a buyer, for in an outage all answers are unexpected.
    if (!hasComplained) console.error(`unexpected: ${answer.url} was answered ${status} ${answer.error}`);
    hasComplained = true;
  }
  answers++;
  // In tenths of a millisecond.
  waits.push(Math.round(ms * 10));
  statuses[status] = (statuses[status] || 0) + 1;
  if (yes !== undefined) yeses.push(yes);
}

/** Reports what this buyer has noted: the second, every wait, answers by status, and the orders that got a yes. */
export function reportRest() {
  if (answers > 0) console.log(JSON.stringify({ second, waits, statuses, yeses }));
  answers = 0;
  waits = [];
  statuses = {};
  yeses = [];
}

/** A condition in addition to the answers; where it is false, the run fails with these words. */
export function mustBe(isTrue, words) {
  if (isTrue) return;
  unexpected.add(1);
  console.error(`not as it must be: ${words}`);
}

/** A call that is no order; returns the body. @throws where the status is another than these */
export function call(method, path, body, expected = DONE) {
  const text = body === undefined ? null : JSON.stringify(body);
  const answer = http.request(method, `${shopUrl}${path}`, text, readably);
  if (!expected.includes(answer.status)) {
    unexpected.add(1);
    throw new Error(`${method} ${path}: ${answer.status} ${answer.error} ${answer.body}`);
  }
  return answer.json();
}

/** Receipts under way at once while the shop is filled. */
const RECEIPTS_AT_ONCE = 50;

/** Fills the shop before the doors open: `[{sku, warehouse, quantity}]`. */
export function receive(goods) {
  for (let i = 0; i < goods.length; i += RECEIPTS_AT_ONCE) {
    const requests = goods.slice(i, i + RECEIPTS_AT_ONCE).map((item, j) => {
      const receipt = { movementId: idOf(`in-${i + j}`), ...item, reason: 'before the doors open' };
      return ['POST', `${shopUrl}/v1/stock/receive`, JSON.stringify(receipt), readably];
    });
    for (const { status, error, body } of http.batch(requests)) {
      if (status !== 201) throw new Error(`goods could not be received: ${status} ${error} ${body}`);
    }
  }
}

/**
 * At the end: units held or sold beyond those there were are oversold, and an item that does not add up counts as one.
 * @param goods what `receive` was given
 */
export function expectNotOversold(goods) {
  const stock = new Map();
  for (const { sku, quantity } of goods) stock.set(sku, (stock.get(sku) || 0) + quantity);
  for (const [sku, quantity] of stock) {
    const { total, available, reserved, sold } = call('GET', `/v1/items/${encodeURIComponent(sku)}`);
    const doesAddUp = total === available + reserved + sold && available >= 0;
    oversold.add(Math.max(0, reserved + sold - quantity) + (doesAddUp ? 0 : 1));
  }
}

/** For `npm run load`, which makes the report. */
export const handleSummary = (data) => ({ [needed('LOAD_SUMMARY')]: JSON.stringify(data) });
