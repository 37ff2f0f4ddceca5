/**
 * The rules that SQL can express: a breach is refused by the table, under the rule's number, whoever writes. And the ledger
 * only grows (D14): neither its owner nor a session that plays a replica can change or delete a row.
 */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RefusedBySql } from '../../src/ledger/errors.ts';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import { commit, itemWith, newEpoch, received, reserved, row } from './chunks.ts';
import { migratedDatabase } from './room.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let owner: pg.Client;
let ledger: Ledger;
beforeAll(async () => {
  database = await migratedDatabase();
  owner = database.owner;
  ledger = await openLedger({ databaseUrl: database.url });
  await ledger.beginEpoch(0, newEpoch(1));
  await commit(ledger, 0, { rows: [row(received(10, 1), itemWith())] });
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

/** The constraint that refused it. */
async function constraintOf(attempt: Promise<unknown>): Promise<string | undefined> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RefusedBySql);
  // Nothing of it was written, the cursor's move included.
  expect(await ledger.cursor(0)).toMatchObject({ sequence: 1 });
  return (error as RefusedBySql).constraint;
}

describe('a row of the ledger is refused that breaks', () => {
  test('BR-001: available falls below nothing', async () => {
    const broken = row(
      { ...reserved('o', 1, 2), type: 'ReservationExtended' } as never,
      itemWith({ available: 3 }),
      {
        available: -1,
        reserved: 4,
      },
    );
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('br_001_available_not_negative');
  });

  test('BR-001: reserved or sold fall below nothing', async () => {
    const event = { ...reserved('o', 2, 2), type: 'InventoryDeducted', operation: 'c*' } as never;
    const broken = row(event, itemWith({ available: 5, reserved: 1 }));
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe(
      'br_001_reserved_and_sold_not_negative',
    );
  });

  test('BR-002: more is reserved than is available', async () => {
    const broken = row(reserved('o', 5, 2), itemWith({ available: 4, reserved: 0 }), {
      available: 0,
      reserved: 4,
    });
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('br_002_never_beyond_available');
  });

  test('BR-004: the total moves although no goods did', async () => {
    const broken = row(reserved('o', 1, 2), itemWith({ available: 4 }), { available: 3, reserved: 2 });
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('br_004_total_moves_with_goods');
  });

  const goods = (type: string, quantity: number) =>
    ({ ...received(quantity, 2, `other-${type}`), type, operation: 'r', rejected: 0, to: 'V' }) as never;
  test.each([
    ['InventoryIssued', 2, { available: 4 }],
    ['InventoryShipped', 2, { sold: 4 }],
    ['InventoryReturned', 2, { available: 6 }],
    ['TransferDispatched', 2, { available: 4 }],
    ['TransferReceived', 2, { available: 6 }],
    ['TransferCancelled', 2, { available: 6 }],
    ['InventoryCorrected', 12, { available: 6 }],
    ['StocktakeCompleted', 12, { available: 6 }],
    ['StocktakeStarted', 10, { available: 6 }],
    ['ReturnWrittenOff', 1, { available: 6 }],
    ['PaymentCameShort', 1, { available: 4 }],
    ['InventoryReacquired', 1, { available: 4, sold: 5 }],
  ])('BR-004: %s moves the total by other than its goods', async (type, quantity, after) => {
    const broken = row(goods(type, quantity), itemWith({ available: 5, sold: 5 }), after);
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('br_004_total_moves_with_goods');
  });

  test('BR-002: a late payment takes more than is available', async () => {
    const event = { ...reserved('o', 5, 2), type: 'InventoryReacquired', operation: 'c*' } as never;
    const broken = row(event, itemWith({ available: 4 }), { available: 0, sold: 4 });
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('br_002_never_beyond_available');
  });

  test('a quantity of 0 that is no level', async () => {
    const nothing = row(received(0, 2), itemWith({ available: 4 }));
    expect(await constraintOf(commit(ledger, 1, { rows: [nothing] }))).toBe('quantity_in_range');
  });

  test('BR-005: an alert at or above the safety stock', async () => {
    const event = { ...received(4, 2), type: 'LowStockAlertTriggered', safetyStock: 4 } as never;
    const broken = row(event, itemWith({ available: 4 }));
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('br_005_alert_below_the_line');
  });

  test('BR-006: a movement is booked twice', async () => {
    const broken = row(received(10, 2, 'm1'), itemWith({ available: 10 }));
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('br_006_movement_once');
  });

  test('the item had that version before', async () => {
    const broken = row(received(10, 1, 'other'), itemWith());
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('ledger_version_once');
  });

  test('a quantity is beyond what a counter may show', async () => {
    const broken = row(received(1_000_000_001, 2), itemWith());
    expect(await constraintOf(commit(ledger, 1, { rows: [broken] }))).toBe('quantity_in_range');
  });
});

describe('an item is refused that breaks', () => {
  const write = (item: ReturnType<typeof itemWith>) =>
    commit(ledger, 1, {
      items: [{ item, expectedVersion: undefined, atMs: 1, quarantineReason: undefined, parkedEvents: 0 }],
    });

  test('BR-001: counters below 0', async () => {
    expect(await constraintOf(write(itemWith({ available: -1, total: 0, reserved: 1 })))).toBe(
      'br_001_available_not_negative',
    );
    expect(await constraintOf(write(itemWith({ available: 2, reserved: -1 })))).toBe(
      'br_001_reserved_and_sold_not_negative',
    );
    expect(await constraintOf(write(itemWith({ available: 2, sold: -1 })))).toBe(
      'br_001_reserved_and_sold_not_negative',
    );
  });

  test('BR-004: a total that is not the sum', async () => {
    expect(await constraintOf(write(itemWith({ available: 2, total: 3 })))).toBe('br_004_total_is_the_sum');
  });

  test('BR-007: a lock without its deadline', async () => {
    const attempt = owner.query(
      `INSERT INTO items (sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version, updated_at, stocktake_id)
       VALUES ('S', 'V', 0, 0, 0, 0, 0, false, 0, now(), 'k')`,
    );
    await expect(attempt).rejects.toMatchObject({ constraint: 'br_007_lock_has_its_deadline' });
  });

  test('BR-005: an alert that is out at or above the safety stock', async () => {
    const item = itemWith({ available: 2, safetyStock: 2, isLow: true });
    expect(await constraintOf(write(item))).toBe('br_005_alert_is_out_below_the_line');
  });
});

describe('a reservation is refused that breaks', () => {
  const hold = {
    orderId: 'o',
    status: 'ACTIVE' as const,
    lines: [{ sku: 'S', warehouse: 'W', quantity: 1 }],
    reservedAtMs: 1_000_000,
    expiresAtMs: 2_800_000,
    fingerprint: '1800000;S@W=1',
    operations: [],
  };

  test('BR-003: a hold lasts no time, or longer than counts could make it', async () => {
    for (const expiresAtMs of [1_000_000, 1_000_000 + 7 * 86_400_000 + 1]) {
      const newReservations = [{ ...hold, expiresAtMs }];
      expect(await constraintOf(commit(ledger, 1, { newReservations }))).toBe('br_003_hold_ends_in_time');
    }
  });

  test('BR-006: it is resolved and open at once', async () => {
    for (const broken of [
      { ...hold, resolvedAtMs: 2_000_000 },
      { ...hold, status: 'CONFIRMED' as const },
    ]) {
      expect(await constraintOf(commit(ledger, 1, { newReservations: [broken] }))).toBe(
        'br_006_resolves_once',
      );
    }
  });

  test('BR-006: an order is reserved twice', async () => {
    expect(await constraintOf(commit(ledger, 1, { newReservations: [hold, hold] }))).toBe(
      'reservations_pkey',
    );
  });
});

describe('the ledger only grows, for', () => {
  const attempts = [
    `UPDATE ledger SET quantity = 11`,
    `DELETE FROM ledger`,
    `TRUNCATE ledger`,
    `UPDATE ledger SET actor = 'nobody' WHERE false`,
  ];
  afterEach(async () => {
    await owner.query('ROLLBACK');
  });
  async function expectRefused(): Promise<void> {
    for (const attempt of attempts) {
      await owner.query('SAVEPOINT before');
      await expect(owner.query(attempt), attempt).rejects.toThrow('append-only');
      await owner.query('ROLLBACK TO before');
    }
  }

  test('its owner', async () => {
    await owner.query('BEGIN');
    await expectRefused();
  });

  test('a session that plays a replica', async () => {
    await owner.query('BEGIN; SET LOCAL session_replication_role = replica');
    await expectRefused();
  });

  for (const role of ['holdfast_writer', 'holdfast_reader']) {
    test(`${role}, by its rights already`, async () => {
      await owner.query(`BEGIN; SET LOCAL ROLE ${role}`);
      for (const attempt of attempts) {
        await owner.query('SAVEPOINT before');
        await expect(owner.query(attempt), attempt).rejects.toThrow('permission denied');
        await owner.query('ROLLBACK TO before');
      }
    });
  }
});

describe('the roles may', () => {
  const may = async (role: string, statement: string) => {
    await owner.query(`BEGIN; SET LOCAL ROLE ${role}`);
    const isAllowed = await owner.query(statement).then(
      () => true,
      (error: { code?: string }) => {
        expect(error.code).toBe('42501');
        return false;
      },
    );
    await owner.query('ROLLBACK');
    return isAllowed;
  };
  const tables = [
    'ledger',
    'ledger_entries',
    'items',
    'reservations',
    'open_holds',
    'partitions',
    'drift',
    'parked_events',
    'warehouses',
    'transfers',
    'transfer_proposals',
    'stocktake_lines',
    'sales',
    'shortfalls',
  ];

  test('read everything', async () => {
    for (const role of ['holdfast_writer', 'holdfast_reader']) {
      for (const table of tables)
        expect(await may(role, `SELECT * FROM ${table}`), `${role} ${table}`).toBe(true);
    }
  });

  test('delete nothing, and the reader writes nothing', async () => {
    const tables = ['items', 'reservations', 'partitions', 'drift', 'parked_events', 'warehouses'];
    for (const table of [
      ...tables,
      'transfers',
      'transfer_proposals',
      'stocktake_lines',
      'sales',
      'shortfalls',
    ]) {
      expect(await may('holdfast_writer', `DELETE FROM ${table}`), table).toBe(false);
      expect(await may('holdfast_reader', `DELETE FROM ${table}`), table).toBe(false);
      expect(await may('holdfast_reader', `INSERT INTO ${table} DEFAULT VALUES`), table).toBe(false);
    }
    expect(await may('holdfast_writer', `UPDATE drift SET resolved_at = now()`)).toBe(true);
    expect(await may('holdfast_writer', `UPDATE drift SET detail = ''`)).toBe(false);
    expect(await may('holdfast_writer', `UPDATE parked_events SET event = '{}'`)).toBe(false);
  });

  test('decide, as the API, what people decide and no more', async () => {
    const decide = `UPDATE transfer_proposals SET state = 'dismissed', decided_by = 'ann', decided_at = now()`;
    const resolve = `UPDATE shortfalls SET resolved_at = now(), resolved_by = 'ann', resolution = 'refunded'`;
    for (const statement of [decide, resolve]) {
      expect(await may('holdfast_api', statement), statement).toBe(true);
      expect(await may('holdfast_reader', statement), statement).toBe(false);
    }
    for (const statement of [
      'UPDATE transfer_proposals SET quantity = 1',
      `UPDATE shortfalls SET order_id = 'x'`,
    ]) {
      expect(await may('holdfast_api', statement), statement).toBe(false);
    }
    for (const table of ['ledger', 'items', 'reservations', 'transfers', 'sales', 'stocktake_lines']) {
      expect(await may('holdfast_api', `INSERT INTO ${table} DEFAULT VALUES`), table).toBe(false);
    }
  });
});
