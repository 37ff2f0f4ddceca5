/**
 * Ids of any script: the text of lines (`sku@warehouse=quantity,...`) escapes what is not a letter, a digit or one of
 * `._:-` (see domain/id.ts), and SQL reads it in one place, the function `order_lines`.
 * Promises: no table changes, so programs of the release before keep working; the texts they write have no escapes.
 */
import { type Kysely, sql } from 'kysely';

// `%E8%8C%B6` to the character of these bytes. JSON reads each as a character of Latin-1, which is written as that byte.
// STABLE and in one expression, as convert_from is: so Postgres puts it into the query in place of a call (4 us an id
// instead of 8; a loop or an aggregate over the bytes takes 20).
const DECODE_ID = `
CREATE FUNCTION decode_id(escaped text) RETURNS text STABLE PARALLEL SAFE
  RETURN convert_from(convert_to(('"' || replace(escaped, '%', '\\u00') || '"')::jsonb #>> '{}', 'LATIN1'), 'UTF8');
`;

// Neither STRICT nor VOLATILE, and one SELECT: so Postgres puts it into the query, and columns that are not used are not
// computed. Nearly all texts have no escape; looking for one costs 0.3 us a line.
const ORDER_LINES = `
CREATE FUNCTION order_lines(lines text) RETURNS TABLE (sku text, warehouse text, quantity integer)
  IMMUTABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
  SELECT CASE WHEN strpos(line, '%') = 0 THEN split_part(line, '@', 1) ELSE decode_id(split_part(line, '@', 1)) END,
    CASE WHEN strpos(line, '%') = 0 THEN split_part(split_part(line, '@', 2), '=', 1)
      ELSE decode_id(split_part(split_part(line, '@', 2), '=', 1)) END,
    split_part(line, '=', 2)::integer
  FROM unnest(string_to_array(lines, ',')) AS line;
END;
`;

// A function cannot say that its columns compare as bytes; the view does, as before.
const OPEN_HOLDS = `
CREATE OR REPLACE VIEW open_holds AS
SELECT order_id, line.sku COLLATE "C" AS sku, line.warehouse COLLATE "C" AS warehouse, line.quantity, reserved_at, expires_at
FROM reservations, order_lines(lines) AS line
WHERE status = 'ACTIVE';
`;

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statements of [DECODE_ID, ORDER_LINES, OPEN_HOLDS]) await sql.raw(statements).execute(db);
}
