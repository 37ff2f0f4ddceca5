/**
 * INSERT and UPDATE of many rows in one statement. The columns are declared once; from them come the parameters (an array
 * for each column, joined to rows by `unnest`), the list of columns and the assignments.
 * Promises: names of tables and columns are constants of this room; values travel as parameters only.
 */
import type pg from 'pg';
import { ConcurrentModification } from '../errors.ts';
import { numberArray, secondsArray, textArray } from './bulk-text.ts';

/** A column of a statement: its parameter, and the SQL by which the parameter becomes the value. */
export interface Column<R> {
  /** Type of one element of the parameter. */
  readonly type: string;
  readonly literalOf: (rows: readonly R[]) => string;
  /** The value, from the element `name`. */
  readonly sqlOf: (name: string) => string;
}
/** By name. */
export type Columns<R> = Readonly<Record<string, Column<R>>>;

const asGiven = (name: string) => name;

/** A text, an id or a word of an enum; absent is NULL. @param type also the name of an enum */
export function text<R>(cellOf: (row: R) => string | undefined, type = 'text'): Column<R> {
  return { type, literalOf: (rows) => textArray(rows.map(cellOf)), sqlOf: asGiven };
}

/** A whole number; absent is NULL. */
export function number<R>(cellOf: (row: R) => number | undefined): Column<R> {
  return { type: 'bigint', literalOf: (rows) => numberArray(rows.map(cellOf)), sqlOf: asGiven };
}

/** True or false. */
export function boolean<R>(cellOf: (row: R) => boolean): Column<R> {
  return { type: 'boolean', literalOf: (rows) => `{${rows.map(cellOf).join(',')}}`, sqlOf: asGiven };
}

/** A time, from milliseconds since 1970; absent is NULL. */
export function instant<R>(cellOfMs: (row: R) => number | undefined): Column<R> {
  const literalOf = (rows: readonly R[]) => secondsArray(rows.map(cellOfMs));
  return { type: 'float8', literalOf, sqlOf: (name) => `to_timestamp(${name})` };
}

/** A JSON text. The one character that Postgres cannot keep is replaced. */
export function json<R>(cellOf: (row: R) => string): Column<R> {
  return { ...text<R>((row) => storable(cellOf(row))), sqlOf: (name) => `${name}::jsonb` };
}

/** Replaces U+0000, written out or escaped, which Postgres cannot keep: it must not stop the rest of a text. */
export function storable(value: string): string {
  return value.replaceAll('\u0000', '\uFFFD').replaceAll('\\u0000', '\\uFFFD');
}

/** The rows of one statement as its parameters. */
export interface BulkValues {
  readonly rows: number;
  readonly values: string[];
}

/** A statement that writes any number of rows, prepared under its name. */
export class BulkStatement<R> {
  /** Names the prepared statement. */
  readonly #name: string;
  readonly #text: string;
  readonly #columns: readonly Column<R>[];

  /** @param textOf makes the statement of its rows, a table expression named `u` with these columns */
  constructor(name: string, columns: Columns<R>, textOf: (rows: string) => string) {
    this.#name = name;
    this.#columns = Object.values(columns);
    const names = Object.keys(columns);
    const values = names.map((column) => `${columns[column]?.sqlOf(column)} AS ${column}`);
    const parameters = this.#columns.map(({ type }, i) => `$${i + 1}::${type}[]`);
    this.#text = textOf(`(SELECT ${values} FROM unnest(${parameters}) AS p(${names})) AS u`);
  }

  /** The rows as parameters; undefined where there are none, and so nothing to run. */
  valuesOf(rows: readonly R[]): BulkValues | undefined {
    if (rows.length === 0) return undefined;
    return { rows: rows.length, values: this.#columns.map(({ literalOf }) => literalOf(rows)) };
  }

  /** Writes the rows. @returns how many were written @throws the error of Postgres */
  async run(client: pg.ClientBase, bulk: BulkValues | undefined): Promise<number> {
    if (!bulk) return 0;
    const { rowCount } = await client.query({ name: this.#name, text: this.#text, values: bulk.values });
    return rowCount ?? 0;
  }

  /** Writes every row. @throws {ConcurrentModification} where one was not written */
  async runForAll(client: pg.ClientBase, bulk: BulkValues | undefined): Promise<void> {
    const written = await this.run(client, bulk);
    const expected = bulk?.rows ?? 0;
    if (written !== expected) throw new ConcurrentModification(this.#name, expected, written);
  }
}

/** Inserts rows. @param onConflict `ON CONFLICT ...`, where a row may be there already */
export function insertInto<R>(table: string, columns: Columns<R>, onConflict = ''): BulkStatement<R> {
  const names = Object.keys(columns);
  const textOf = (rows: string) =>
    `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${rows} ${onConflict}`;
  return new BulkStatement(`insert-${table}`, columns, textOf);
}

/** As {@link insertInto}; a row that has the same key already is replaced. @param key columns, or an index as SQL names it */
export function upsertInto<R>(table: string, columns: Columns<R>, key: string): BulkStatement<R> {
  const replaced = Object.keys(columns).map((name) => `${name} = excluded.${name}`);
  return insertInto(table, columns, `ON CONFLICT ${key} DO UPDATE SET ${replaced}`);
}

/**
 * Updates the rows that a key finds and a condition admits.
 * @param parts.name of the prepared statement
 * @param parts.key columns by which a row is found; all others are set
 * @param parts.where what must hold of the row `t` besides
 * @param parts.set SQL for columns that are not simply set to the new value, from the row `t` and the new values `u`;
 *   undefined leaves the column alone
 */
export function update<R>(
  table: string,
  columns: Columns<R>,
  parts: {
    readonly name: string;
    readonly key: readonly string[];
    readonly where: string;
    readonly set?: Readonly<Record<string, string | undefined>>;
  },
): BulkStatement<R> {
  const { name, key, where, set = {} } = parts;
  const plain = Object.keys(columns).filter((column) => !key.includes(column) && !(column in set));
  const assigned = [
    ...plain.map((column) => `${column} = u.${column}`),
    ...Object.entries(set).flatMap(([column, sql]) => (sql === undefined ? [] : [`${column} = ${sql}`])),
  ];
  const found = key.map((column) => `t.${column} = u.${column}`).join(' AND ');
  const textOf = (rows: string) =>
    `UPDATE ${table} AS t SET ${assigned} FROM ${rows} WHERE ${found} AND ${where}`;
  return new BulkStatement(name, columns, textOf);
}
