/**
 * Findings and the events of items in quarantine as rows: evidence for a person, and for the repair.
 * Promises: they are written in the transaction that passes over the event, so nothing is left out unseen.
 */
import type pg from 'pg';
import { type Columns, insertInto, json, number, storable, text } from './bulk-statement.ts';
import type { Finding, LedgerChunk, ParkedEvent } from './chunk.ts';

const FINDING: Columns<Finding> = {
  sku: text((finding) => finding.sku),
  warehouse: text((finding) => finding.warehouse),
  order_id: text((finding) => finding.orderId),
  kind: text((finding) => finding.kind),
  detail: text((finding) => storable(finding.detail)),
  evidence: json((finding) => JSON.stringify(finding.evidence)),
  partition: number((finding) => finding.partition),
  epoch: number((finding) => finding.epoch),
  sequence: number((finding) => finding.sequence),
};
const INSERT_FINDINGS = insertInto('drift', FINDING);

type ParkedRow = ParkedEvent & Pick<LedgerChunk, 'partition'>;
const PARKED: Columns<ParkedRow> = {
  sku: text((parked) => parked.sku),
  warehouse: text((parked) => parked.warehouse),
  version: number((parked) => parked.version),
  partition: number((parked) => parked.partition),
  epoch: number((parked) => parked.epoch),
  sequence: number((parked) => parked.sequence),
  event: json((parked) => parked.event),
};
const INSERT_PARKED = insertInto('parked_events', PARKED);

/** Writes what was found wrong with the chunk, and the events that wait for an item in quarantine. */
export async function writeFindings(
  client: pg.ClientBase,
  { findings, parked, partition }: Pick<LedgerChunk, 'findings' | 'parked' | 'partition'>,
): Promise<void> {
  await INSERT_FINDINGS.run(client, INSERT_FINDINGS.valuesOf(findings));
  const rows = parked.map((event) => ({ ...event, partition }));
  await INSERT_PARKED.run(client, INSERT_PARKED.valuesOf(rows));
}
