/**
 * The links of the entries that the ledger has, for as long as the stream keeps its tail: by them the place is found at
 * which another history left this one. Refuses to know: what a link is made of.
 */
import { NO_LINK, type Queryable } from './cursor.ts';

/** The link of one entry of the ledger's history. */
export interface KnownLink {
  readonly sequence: number;
  readonly link: string;
  /** Of the last entry of its chunk. */
  readonly epoch: number;
  /** Events up to the end of its chunk. */
  readonly eventsTotal: number;
}

/**
 * The links of a chunk as its row keeps them; undefined where none of its entries has one.
 * @param links of each entry in order; `-` for one that has none
 */
export function linksText(links: readonly string[]): string | undefined {
  return links.some((link) => link !== NO_LINK) ? links.join(' ') : undefined;
}

/** The links that the ledger still has of entries from this sequence on, oldest first. */
export async function knownLinks(
  client: Queryable,
  partition: number,
  fromSequence: number,
): Promise<KnownLink[]> {
  const { rows } = await client.query<{ first: number; epoch: number; eventsTotal: number; links: string }>(
    `SELECT from_sequence + 1 AS first, epoch, events_total AS "eventsTotal", links FROM links
     WHERE partition = $1 AND to_sequence >= $2 ORDER BY to_sequence`,
    [partition, fromSequence],
  );
  return rows.flatMap(({ first, epoch, eventsTotal, links }) =>
    links
      .split(' ')
      .map((link, i) => ({ sequence: first + i, epoch, eventsTotal, link }))
      .filter(({ sequence, link }) => sequence >= fromSequence && link !== NO_LINK),
  );
}

/** Forgets the links of chunks that end below this sequence: the stream has them no longer. */
export async function pruneLinks(client: Queryable, partition: number, belowSequence: number): Promise<void> {
  await client.query('DELETE FROM links WHERE partition = $1 AND to_sequence < $2', [
    partition,
    belowSequence,
  ]);
}
