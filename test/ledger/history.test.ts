/**
 * What tells one history from another: epochs, links, forks, lost acknowledgements. A zombie of another epoch or history is
 * stopped by the cursor, and nobody is told that the ledger has what is gone.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NewFork } from '../../src/ledger/forks.ts';
import { type LedgerApi, type LedgerHandle, ledgerHandle } from '../../src/ledger/handle.ts';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type { LostAcknowledgement } from '../../src/ledger/lost-acknowledgements.ts';
import { commit, itemWith, NONCE, newEpoch, received, reserved, row } from './chunks.ts';
import { migratedDatabase } from './room.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let ledger: Ledger;
let handle: LedgerHandle;
let api: LedgerApi;
beforeEach(async () => {
  database = await migratedDatabase();
  ledger = await openLedger({ databaseUrl: database.url });
  handle = ledgerHandle({ databaseUrl: database.url });
  api = await handle.open();
});
afterEach(async () => {
  await ledger.close();
  await handle.close();
  await database.drop();
});

/** Moves the cursor to a sequence, with a link for each entry. */
async function carryTo(toSequence: number, epoch = 1): Promise<void> {
  const cursor = await ledger.cursor(0);
  const fromSequence = cursor?.sequence ?? 0;
  const links = Array.from({ length: toSequence - fromSequence }, (_, i) => `link-${fromSequence + i + 1}`);
  await commit(ledger, fromSequence, {
    verifiedEpoch: { number: cursor?.epoch ?? 0, nonce: cursor?.nonce },
    epoch,
    toSequence,
    eventsTotal: toSequence * 2,
    fromLink: cursor?.link,
    toLink: links.at(-1),
    links,
  });
}

describe('an epoch', () => {
  const START = { sequence: 0, link: 'link-0', eventsTotal: 0 };

  test('of a new partition begins at sequence 0 with the link that was compared', async () => {
    expect(await ledger.cursor(0)).toBeUndefined();
    const id = await ledger.beginEpoch(0, newEpoch(1, { compared: START }));
    expect(await ledger.cursor(0)).toEqual({
      epoch: 1,
      nonce: NONCE,
      sequence: 0,
      link: 'link-0',
      eventsTotal: 0,
    });
    expect(await ledger.epochs(0, 9)).toMatchObject([{ id, first: undefined, reviewedBy: undefined }]);
  });

  test('that is newer leaves the cursor where it is, for sequence, events and link run on', async () => {
    await ledger.beginEpoch(0, newEpoch(1, { compared: START }));
    await carryTo(4);
    const next = { number: 2, nonce: 'nonce002' };
    const compared = { sequence: 4, link: 'link-4', eventsTotal: 8 };
    const lost = { from: 5, to: 9 };
    const person = { actor: 'ann', reason: 'Postgres was away' };
    const id = await ledger.beginEpoch(
      0,
      newEpoch(2, { epoch: next, how: 'person', compared, lost, ...person }),
    );
    expect(await ledger.cursor(0)).toEqual({
      epoch: 2,
      nonce: 'nonce002',
      sequence: 4,
      link: 'link-4',
      eventsTotal: 8,
    });
    await ledger.openEpoch(id as number, { sequence: 4, link: 'link-4b' });
    const [newest, before] = await ledger.epochs(0, 9);
    expect(newest).toMatchObject({ id, epoch: next, how: 'person', compared, lost, ...person });
    expect(newest?.first).toMatchObject({ sequence: 4, link: 'link-4b', openedAtMs: expect.any(Number) });
    expect(before).toMatchObject({ epoch: { number: 1, nonce: NONCE }, lost: undefined, actor: undefined });
    expect(await ledger.epochs(0, 1)).toHaveLength(1);
  });

  test('gives a cursor of the release before the link that Redis got at its place', async () => {
    const columns = 'partition, epoch, sequence, events_total';
    await database.owner.query(`INSERT INTO partitions (${columns}) VALUES (0, 3, 7, 20), (1, 3, 7, 20)`);
    expect(await ledger.cursor(0)).toMatchObject({ epoch: 3, nonce: undefined, link: undefined });
    await ledger.beginEpoch(0, newEpoch(4, { compared: { sequence: 7, link: 'new', eventsTotal: 20 } }));
    expect(await ledger.cursor(0)).toMatchObject({ epoch: 4, nonce: '00000004', sequence: 7, link: 'new' });
    // The ledger of this one is behind: its next entries have no links yet.
    await ledger.beginEpoch(1, newEpoch(4, { compared: { sequence: 9, link: 'new', eventsTotal: 25 } }));
    expect(await ledger.cursor(1)).toMatchObject({ sequence: 7, link: undefined });
  });

  test('with the same or a smaller number is refused: another process was faster', async () => {
    await ledger.beginEpoch(0, newEpoch(5));
    for (const number of [4, 5]) {
      const late = newEpoch(number, { epoch: { number, nonce: 'late0000' } });
      expect(await ledger.beginEpoch(0, late)).toBeUndefined();
    }
    expect(await ledger.cursor(0)).toMatchObject({ epoch: 5, nonce: '00000005' });
    expect(await ledger.epochs(0, 9)).toHaveLength(1);
  });

  test('is refused where the ledger moved after it was compared', async () => {
    await ledger.beginEpoch(0, newEpoch(1, { compared: START }));
    await carryTo(4);
    const compared = await ledger.cursor(0);
    // A worker that is about to lose its lease commits one chunk more.
    await carryTo(6);
    const cursor = (sequence: number, link: string | undefined) =>
      newEpoch(2, { cursor: { sequence, link } });
    expect(await ledger.beginEpoch(0, cursor(compared?.sequence ?? 0, compared?.link))).toBeUndefined();
    expect(await ledger.beginEpoch(0, cursor(6, 'other-link'))).toBeUndefined();
    expect(await ledger.beginEpoch(0, cursor(6, undefined))).toBeUndefined();
    expect(await ledger.epochs(0, 9)).toHaveLength(1);
    expect(await ledger.beginEpoch(0, cursor(6, 'link-6'))).toEqual(expect.any(Number));
  });

  test('that many processes begin at once is begun by one, and the partition has its nonce', async () => {
    const others = await Promise.all([1, 2, 3].map(() => openLedger({ databaseUrl: database.url })));
    for (const number of [1, 2, 3]) {
      const begun = await Promise.all(
        [ledger, ...others].map(async (racer, i) => {
          const epoch = { number, nonce: `racer-${i}` };
          return { epoch, id: await racer.beginEpoch(0, newEpoch(number, { epoch })) };
        }),
      );
      const winners = begun.filter(({ id }) => id !== undefined);
      expect(winners).toHaveLength(1);
      expect(await ledger.cursor(0)).toMatchObject({ epoch: number, nonce: winners[0]?.epoch.nonce });
      expect((await ledger.epochs(0, 1))[0]).toMatchObject({ id: winners[0]?.id, epoch: winners[0]?.epoch });
    }
    for (const other of others) await other.close();
  });

  test('is completed once: repeating changes nothing, and an unknown row is an error', async () => {
    const id = (await ledger.beginEpoch(0, newEpoch(1))) as number;
    await ledger.openEpoch(id, { sequence: 3, link: 'a' });
    await ledger.openEpoch(id, { sequence: 4, link: 'b' });
    expect((await ledger.epochs(0, 1))[0]?.first).toMatchObject({ sequence: 3, link: 'a' });
    await expect(ledger.openEpoch(id + 1, { sequence: 3, link: 'a' })).rejects.toThrow('no epoch');
  });
});

test('a zombie with the nonce of another database is stopped, and nothing of its chunk is written', async () => {
  await ledger.beginEpoch(0, newEpoch(1));
  await carryTo(2);
  await ledger.beginEpoch(0, newEpoch(2, { epoch: { number: 2, nonce: 'here0002' } }));
  const zombie = (verifiedEpoch: { number: number; nonce: string | undefined }, fromLink = 'link-2') =>
    commit(ledger, 2, { verifiedEpoch, fromLink, links: ['mine'], rows: [row(received(5, 1), itemWith())] });
  for (const { link, ...verifiedEpoch } of [
    { number: 1, nonce: NONCE },
    { number: 2, nonce: 'there002' },
    { number: 2, nonce: undefined },
    { number: 2, nonce: 'here0002', link: 'other-link' },
  ] as { number: number; nonce: string | undefined; link?: string }[]) {
    await expect(zombie(verifiedEpoch, link)).rejects.toMatchObject({ name: 'CursorMoved' });
  }
  expect(await ledger.cursor(0)).toMatchObject({ sequence: 2, link: 'link-2' });
  expect((await ledger.read.entries({ limit: 9 })).entries).toEqual([]);
  expect(await ledger.knownLinks(0, 3)).toEqual([]);
  await zombie({ number: 2, nonce: 'here0002' });
  expect(await ledger.cursor(0)).toMatchObject({ sequence: 3, link: undefined });
});

describe('links', () => {
  beforeEach(async () => {
    await ledger.beginEpoch(0, newEpoch(1));
    await carryTo(3);
    await carryTo(5);
  });

  test('are known by the sequence of their entry, from a sequence on', async () => {
    expect(await ledger.knownLinks(0, 0)).toEqual([
      { sequence: 1, link: 'link-1', epoch: 1, eventsTotal: 6 },
      { sequence: 2, link: 'link-2', epoch: 1, eventsTotal: 6 },
      { sequence: 3, link: 'link-3', epoch: 1, eventsTotal: 6 },
      { sequence: 4, link: 'link-4', epoch: 1, eventsTotal: 10 },
      { sequence: 5, link: 'link-5', epoch: 1, eventsTotal: 10 },
    ]);
    expect((await ledger.knownLinks(0, 2)).map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5]);
    expect(await ledger.knownLinks(0, 6)).toEqual([]);
    expect(await ledger.knownLinks(1, 0)).toEqual([]);
  });

  test('of entries of the release before are not there', async () => {
    await commit(ledger, 5, { fromLink: 'link-5', toSequence: 7, toLink: 'link-7', links: ['-', 'link-7'] });
    await commit(ledger, 7, { fromLink: 'link-7', toSequence: 9, links: ['-', '-'] });
    expect((await ledger.knownLinks(0, 6)).map(({ sequence }) => sequence)).toEqual([7]);
  });

  test('are forgotten below a sequence, by whole chunks', async () => {
    await ledger.pruneLinks(0, 3);
    expect((await ledger.knownLinks(0, 0)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    await ledger.pruneLinks(0, 4);
    expect((await ledger.knownLinks(0, 0)).map(({ sequence }) => sequence)).toEqual([4, 5]);
  });

  test('that say "-" are none, for the cursor as well', async () => {
    await commit(ledger, 5, { fromLink: 'link-5', toLink: '-', links: ['-'] });
    expect(await ledger.cursor(0)).toMatchObject({ sequence: 6, link: undefined });
    await commit(ledger, 6, { fromLink: '-', toLink: 'link-7', links: ['link-7'] });
    const compared = { sequence: 0, link: '-', eventsTotal: 0 };
    await ledger.beginEpoch(1, newEpoch(1, { compared }));
    expect(await ledger.cursor(1)).toMatchObject({ link: undefined });
  });

  test('must be as many as the entries of their chunk', async () => {
    await expect(commit(ledger, 5, { fromLink: 'link-5', links: ['a', 'b'] })).rejects.toThrow('2 links');
  });
});

test('the rows of one chunk keep the epoch of their own stream entry', async () => {
  await ledger.beginEpoch(0, newEpoch(4));
  const first = { ...row(received(5, 1), itemWith()), epoch: 3, sequence: 1 };
  const second = { ...row(received(5, 2), itemWith({ available: 5 })), epoch: 4, sequence: 2 };
  const parked = { sku: 'S', warehouse: 'W', version: 3, epoch: 3, sequence: 1, event: '{}' };
  await commit(ledger, 0, {
    verifiedEpoch: { number: 4, nonce: '00000004' },
    toSequence: 2,
    rows: [first, second],
    parked: [parked],
  });
  const { rows } = await database.owner.query('SELECT epoch FROM ledger ORDER BY sequence');
  expect(rows).toEqual([{ epoch: 3 }, { epoch: 4 }]);
  expect((await database.owner.query('SELECT epoch FROM parked_events')).rows).toEqual([{ epoch: 3 }]);
});

test('the cursor is placed forward only, and in a partition that the ledger knows', async () => {
  const place = { sequence: 8, link: 'link-8', eventsTotal: 30 };
  await expect(ledger.placeCursor(0, place)).rejects.toThrow('without this partition');
  await ledger.beginEpoch(0, newEpoch(1));
  await ledger.placeCursor(0, place);
  expect(await ledger.cursor(0)).toEqual({ epoch: 1, nonce: NONCE, ...place });
  await expect(ledger.placeCursor(0, { ...place, sequence: 7 })).rejects.toThrow('is at sequence 8');
});

describe('waiting for a sequence', () => {
  const at = (epoch: number, sequence: number, nonce = NONCE) => ({
    epoch,
    nonce: nonce === 'any' ? undefined : nonce,
    sequence,
  });
  const isThere = (place: ReturnType<typeof at>, timeoutMs = 1) => api.waitForSequence(0, place, timeoutMs);

  /** Opens an epoch where Redis stands at `sequence`. */
  async function open(number: number, sequence: number, nonce = NONCE): Promise<void> {
    const compared = { sequence, link: undefined, eventsTotal: 0 };
    const id = await ledger.beginEpoch(0, newEpoch(number, { epoch: { number, nonce }, compared }));
    await ledger.openEpoch(id as number, { sequence, link: undefined });
  }

  test('ends when the ledger has it, or after the time-out', async () => {
    await open(1, 0);
    const waiting = isThere(at(1, 2), 30_000);
    expect(await isThere(at(1, 1))).toBe(false);
    await carryTo(1);
    expect(await isThere(at(1, 1), 0)).toBe(true);
    await carryTo(2);
    expect(await waiting).toBe(true);
    expect(await api.waitForSequence(7, at(1, 0), 1)).toBe(false);
  });

  test('is not answered for an epoch that the ledger does not know', async () => {
    await open(1, 0);
    await carryTo(5);
    expect(await isThere(at(2, 3))).toBe(false);
    expect(await isThere(at(1, 3, 'elsewhere'))).toBe(false);
    expect(await isThere(at(1, 3, 'any'))).toBe(true);
    expect(await isThere(at(2, 3, 'any'))).toBe(false);
  });

  test('is answered across a verification, after which the history goes on', async () => {
    await open(1, 0);
    await carryTo(4);
    await open(2, 6);
    // The entries 5 and 6 of epoch 1 are in the stream, and are carried now.
    expect(await isThere(at(1, 6))).toBe(false);
    await carryTo(7);
    expect(await isThere(at(1, 6))).toBe(true);
    expect(await isThere(at(2, 7))).toBe(true);
  });

  test('is never answered for a sequence that a later epoch began below, however far the ledger comes', async () => {
    await open(1, 0);
    await carryTo(4);
    const lost = isThere(at(1, 6), 30_000);
    await open(2, 4);
    // At once: it cannot come any more.
    expect(await lost).toBe(false);
    await carryTo(9, 2);
    expect(await isThere(at(1, 6), 30_000)).toBe(false);
    expect(await isThere(at(1, 6, 'any'), 30_000)).toBe(false);
    expect([await isThere(at(1, 4)), await isThere(at(2, 6))]).toEqual([true, true]);
    // Nor by yet another epoch that began further on.
    await open(3, 9);
    expect(await isThere(at(1, 6), 30_000)).toBe(false);
  });

  test('is answered by the link, where the place has one, whatever epochs say', async () => {
    await open(1, 0);
    await carryTo(4);
    const withLink = (sequence: number, link: string) => ({ ...at(1, sequence), link });
    expect(await isThere(withLink(3, 'link-3'), 30_000)).toBe(true);
    expect(await isThere(withLink(4, 'link-4'), 30_000)).toBe(true);
    expect(await isThere(withLink(3, 'fork-3'), 30_000)).toBe(false);
    expect(await isThere(withLink(4, 'fork-4'), 30_000)).toBe(false);
    expect(await isThere(withLink(5, 'link-5'))).toBe(false);
    // A server without 5 and 6 was opened for a moment; then one that has them came back.
    await open(2, 4);
    await open(3, 6);
    await carryTo(7);
    expect(await isThere(withLink(6, 'link-6'), 30_000)).toBe(true);
    expect(await isThere(at(1, 6), 30_000)).toBe(false);
    // Links are kept for a while only: then it is the epochs that tell.
    await ledger.pruneLinks(0, 7);
    expect(await isThere(withLink(3, 'fork-3'), 30_000)).toBe(true);
    expect(await isThere(withLink(6, 'fork-6'))).toBe(false);
  });

  test('is not answered while a later epoch below it is not opened yet', async () => {
    await open(1, 0);
    await carryTo(6);
    const compared = { sequence: 4, link: undefined, eventsTotal: 0 };
    const id = await ledger.beginEpoch(0, newEpoch(2, { compared }));
    expect(await isThere(at(1, 6))).toBe(false);
    await ledger.openEpoch(id as number, { sequence: 6, link: undefined });
    expect(await isThere(at(1, 6))).toBe(true);
  });

  test('of an epoch that the release before began looks at the epochs with greater numbers', async () => {
    await database.owner.query(
      'INSERT INTO partitions (partition, epoch, sequence, events_total) VALUES (0, 3, 7, 20)',
    );
    expect(await isThere(at(3, 7, 'any'))).toBe(true);
    await open(4, 7);
    await carryTo(9, 4);
    expect(await isThere(at(3, 7, 'any'))).toBe(true);
    expect(await isThere(at(3, 8, 'any'), 30_000)).toBe(false);
  });
});

describe('a fork', () => {
  const fork: NewFork = {
    partition: 0,
    kind: 'redis-forked',
    atSequence: 4,
    atLink: 'link-4',
    redisSequence: 6,
    ledgerSequence: 9,
    detail: 'Redis went on from 4 by itself',
    entries: [
      { entryId: '1-5', atMs: 1_762_819_200_007, link: 'fork-5', events: 'R o1 1\nR o2 1' },
      { entryId: '1-6', atMs: undefined, link: 'fork-6', events: 'not \u0000 readable' },
    ],
  };

  test('is written with all its entries, in order, and read in pages', async () => {
    const id = await ledger.recordFork(fork);
    const { entries: _, ...place } = fork;
    expect(await api.forks(0, { limit: 9 })).toMatchObject({
      forks: [{ id, ...place, entriesTotal: 2, reviewedAtMs: undefined, foundAtMs: expect.any(Number) }],
      next: null,
    });
    const first = await api.forkEntries(id, { limit: 1 });
    expect(first.entries).toEqual([fork.entries[0]]);
    const second = await api.forkEntries(id, { limit: 1, after: first.next as number });
    expect(second.entries).toEqual([{ ...fork.entries[1], events: 'not \uFFFD readable' }]);
    expect(second.next).toBeNull();
    expect(await api.forks(1, { limit: 9 })).toEqual({ forks: [], next: null });
  });

  test('that a worker finds again after it died is not written twice; another one at the same numbers is', async () => {
    const id = await ledger.recordFork(fork);
    expect(await ledger.recordFork(fork)).toBe(id);
    const twin = fork.entries.map((entry) => ({ ...entry, link: `other-${entry.link}` }));
    const other = await ledger.recordFork({ ...fork, entries: twin });
    // Without an entry it is the same where neither store has moved.
    const back = { ...fork, kind: 'redis-went-back', entries: [] } as const;
    const empty = await ledger.recordFork(back);
    expect(await ledger.recordFork(back)).toBe(empty);
    const moved = await ledger.recordFork({ ...back, ledgerSequence: 10 });
    const { forks } = await ledger.forks(0, { limit: 9 });
    expect(forks.map((one) => [one.id, one.entriesTotal])).toEqual([
      [moved, 0],
      [empty, 0],
      [other, 2],
      [id, 2],
    ]);
    const page = await ledger.forks(0, { limit: 3 });
    expect(page.next).toBe(other);
    expect((await ledger.forks(0, { limit: 3, after: page.next as number })).forks).toHaveLength(1);
  });

  test('of many entries is written whole', async () => {
    const entries = Array.from({ length: 1_234 }, (_, i) => {
      return { entryId: `1-${i + 1}`, atMs: i, link: `fork-${i + 1}`, events: `event ${i}` };
    });
    const id = await ledger.recordFork({ ...fork, entries });
    const page = await ledger.forkEntries(id, { limit: 1_000, after: 999 });
    expect(page.entries).toEqual(entries.slice(1_000));
  });
});

describe('lost acknowledgements', () => {
  const lost = (sequence: number, subjectId: string, rest: Partial<LostAcknowledgement> = {}) => ({
    partition: 0,
    epoch: 1,
    nonce: NONCE,
    sequence,
    kind: 'order' as const,
    subjectId,
    source: 'api-1',
    ...rest,
  });

  test('are reported by the API, once each, and read in pages', async () => {
    const rows = [lost(5, 'o1'), lost(5, 'o1', { kind: 'movement' }), lost(6, 'o2')];
    await api.reportLost(rows);
    await api.reportLost([...rows, lost(7, 'o3')].map((one) => ({ ...one, source: 'api-2' })));
    const page = await api.lostAcknowledgements(0, { limit: 3 });
    expect(
      page.lost.map(({ sequence, kind, subjectId, source }) => [sequence, kind, subjectId, source]),
    ).toEqual([
      [7, 'order', 'o3', 'api-2'],
      [6, 'order', 'o2', 'api-1'],
      [5, 'movement', 'o1', 'api-1'],
    ]);
    const rest = await api.lostAcknowledgements(0, { limit: 3, after: page.next as number });
    expect(rest.lost.map(({ subjectId, kind }) => [subjectId, kind])).toEqual([['o1', 'order']]);
    await api.reportLost([]);
  });

  test('that the ledger has got after all are lost no longer', async () => {
    await ledger.beginEpoch(0, newEpoch(1));
    await api.reportLost([lost(1, 'o1'), lost(2, 'o1'), lost(1, 'm1', { kind: 'movement' }), lost(1, 'o2')]);
    const rows = [row(received(5, 1), itemWith()), row(reserved('o1', 1, 2), itemWith({ available: 5 }))];
    await commit(ledger, 0, { rows });
    const { lost: left } = await api.lostAcknowledgements(0, { limit: 9 });
    expect(left.map(({ sequence, subjectId }) => [sequence, subjectId])).toEqual([
      [1, 'o2'],
      [2, 'o1'],
    ]);
  });
});

describe('a review', () => {
  const forkAt = (redisSequence: number): NewFork => ({
    partition: 0,
    kind: 'redis-went-back',
    atSequence: 1,
    atLink: 'a',
    redisSequence,
    ledgerSequence: 9,
    detail: 'x',
    entries: [],
  });
  const lostOrder = (subjectId: string) =>
    ({ partition: 0, epoch: 1, nonce: NONCE, sequence: 1, kind: 'order', subjectId, source: 'me' }) as const;
  const state = () => api.historyState(0);

  test('covers what its reader was shown, keeps it listed, and says who and why', async () => {
    expect(await state()).toEqual({
      forksTotal: 0,
      forksOpen: 0,
      lostAcknowledgementsOpen: 0,
      lostRangesOpen: 0,
    });
    const forkId = await ledger.recordFork(forkAt(5));
    await ledger.reportLost([lostOrder('o1')]);
    const [lost] = (await ledger.lostAcknowledgements(0, { limit: 9 })).lost;
    const epochId = (await ledger.beginEpoch(0, newEpoch(1, { lost: { from: 6, to: 7 } }))) as number;
    await ledger.beginEpoch(0, newEpoch(2));
    const shown = { forkId, lostId: lost?.id ?? 0, epochId };
    // These come after the reader looked.
    await ledger.recordFork(forkAt(6));
    await ledger.reportLost([lostOrder('o2')]);
    await ledger.beginEpoch(0, newEpoch(3, { lost: { from: 8, to: 8 } }));
    // Of another partition.
    await ledger.recordFork({ ...forkAt(5), partition: 1 });
    expect(await state()).toMatchObject({ forksOpen: 2, lostAcknowledgementsOpen: 2, lostRangesOpen: 2 });
    const review = { actor: 'ann', reason: 'refunded', shown };
    expect(await ledger.reviewHistory(0, review)).toEqual({
      forks: 1,
      lostAcknowledgements: 1,
      lostRanges: 1,
    });
    expect(await state()).toEqual({
      forksTotal: 2,
      forksOpen: 1,
      lostAcknowledgementsOpen: 1,
      lostRangesOpen: 1,
    });
    expect((await ledger.historyState(1)).forksOpen).toBe(1);
    expect((await api.forks(0, { limit: 9 })).forks).toMatchObject([{ redisSequence: 6 }]);
    const { forks } = await api.forks(0, { limit: 9, withReviewed: true });
    expect(forks).toMatchObject([{ reviewedBy: undefined }, { reviewedBy: 'ann', reviewReason: 'refunded' }]);
    expect((await api.lostAcknowledgements(0, { limit: 9 })).lost).toMatchObject([{ subjectId: 'o2' }]);
    expect((await api.lostAcknowledgements(0, { limit: 9, withReviewed: true })).lost).toHaveLength(2);
    const epochs = await api.epochs(0, 9);
    expect(epochs.map(({ reviewedBy }) => reviewedBy)).toEqual([undefined, undefined, 'ann']);
    // Nothing of it is reviewed twice.
    await ledger.reviewHistory(0, { actor: 'bob', reason: 'again', shown });
    expect((await api.epochs(0, 9)).at(-1)).toMatchObject({ reviewedBy: 'ann' });
  });

  test('is for those who may write', async () => {
    const shown = { forkId: 9, lostId: 9, epochId: 9 };
    for (const role of ['holdfast_reader', 'holdfast_api'] as const) {
      const other = await openLedger({ databaseUrl: database.url, role });
      const review = other.reviewHistory(0, { actor: 'ann', reason: 'x', shown });
      await expect(review).rejects.toThrow('permission denied');
      await other.close();
    }
  });
});

describe('rights', () => {
  const DENIED = 'permission denied';

  test('the API reports what is lost and reads the rest, and touches no epoch, fork or cursor', async () => {
    await ledger.beginEpoch(0, newEpoch(1));
    expect(await api.epochs(0, 9)).toHaveLength(1);
    const asApi = await openLedger({ databaseUrl: database.url, role: 'holdfast_api' });
    await expect(asApi.beginEpoch(0, newEpoch(2))).rejects.toThrow(DENIED);
    await expect(asApi.openEpoch(1, { sequence: 0, link: undefined })).rejects.toThrow(DENIED);
    await expect(asApi.placeCursor(0, { sequence: 9, link: 'x', eventsTotal: 9 })).rejects.toThrow(DENIED);
    await expect(asApi.pruneLinks(0, 9)).rejects.toThrow(DENIED);
    const fork = { partition: 0, kind: 'redis-forked', atSequence: 1, atLink: 'a' } as const;
    const rest = { redisSequence: 1, ledgerSequence: 1, detail: 'x', entries: [] };
    await expect(asApi.recordFork({ ...fork, ...rest })).rejects.toThrow(DENIED);
    await asApi.close();
  });

  test('the reader reads all of it and writes none', async () => {
    const reader = await openLedger({ databaseUrl: database.url, role: 'holdfast_reader' });
    expect(await reader.epochs(0, 9)).toEqual([]);
    expect(await reader.knownLinks(0, 0)).toEqual([]);
    expect((await reader.forks(0, { limit: 9 })).forks).toEqual([]);
    expect((await reader.forkEntries(1, { limit: 9 })).entries).toEqual([]);
    expect((await reader.lostAcknowledgements(0, { limit: 9, withReviewed: true })).lost).toEqual([]);
    const one = { partition: 0, epoch: 1, nonce: NONCE, sequence: 1, kind: 'order', subjectId: 'o' } as const;
    await expect(reader.reportLost([{ ...one, source: 'me' }])).rejects.toThrow(DENIED);
    await expect(reader.beginEpoch(0, newEpoch(1))).rejects.toThrow(DENIED);
    await reader.close();
  });
});
