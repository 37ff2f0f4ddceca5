/**
 * What was found wrong and the events of items in quarantine, as rows: evidence for a person and for the repair.
 * Promises: it is written in the transaction that passes the event by, so nothing is passed by unseen.
 */
import type pg from 'pg';
import { numberArray, textArray } from './bulk-text.ts';
import type { Finding, LedgerChunk } from './chunk.ts';

const INSERT_FINDINGS = `INSERT INTO drift (sku, warehouse, order_id, kind, detail, evidence, partition, epoch, sequence)
  SELECT sku, warehouse, order_id, kind, detail, evidence::jsonb, partition, epoch, sequence
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::bigint[])
    AS u(sku, warehouse, order_id, kind, detail, evidence, partition, epoch, sequence)`;

const INSERT_PARKED = `INSERT INTO parked_events (sku, warehouse, version, partition, epoch, sequence, event)
  SELECT sku, warehouse, version, $1, $2, sequence, event::jsonb
  FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
    AS u(sku, warehouse, version, sequence, event)`;

export async function writeFindings(client: pg.ClientBase, findings: readonly Finding[]): Promise<void> {
  if (findings.length === 0) return;
  await client.query(INSERT_FINDINGS, [
    textArray(findings.map((finding) => finding.sku)),
    textArray(findings.map((finding) => finding.warehouse)),
    textArray(findings.map((finding) => finding.orderId)),
    textArray(findings.map((finding) => finding.kind)),
    textArray(findings.map((finding) => storable(finding.detail))),
    textArray(findings.map((finding) => storable(JSON.stringify(finding.evidence)))),
    numberArray(findings.map((finding) => finding.partition)),
    numberArray(findings.map((finding) => finding.epoch)),
    numberArray(findings.map((finding) => finding.sequence)),
  ]);
}

export async function writeParkedEvents(
  client: pg.ClientBase,
  chunk: Pick<LedgerChunk, 'parked' | 'partition' | 'epoch'>,
): Promise<void> {
  const { parked, partition, epoch } = chunk;
  if (parked.length === 0) return;
  await client.query(INSERT_PARKED, [
    partition,
    epoch,
    textArray(parked.map((event) => event.sku)),
    textArray(parked.map((event) => event.warehouse)),
    numberArray(parked.map((event) => event.version)),
    numberArray(parked.map((event) => event.sequence)),
    textArray(parked.map((event) => storable(event.event))),
  ]);
}

/** Evidence comes from texts that are wrong: the one character that Postgres cannot keep must not stop it. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').replaceAll('\\u0000', '\\uFFFD');
}
