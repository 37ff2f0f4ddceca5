/**
 * Reads the query of an address. Promises: an encoding that is no UTF-8 is refused, and not taken for another text.
 */
import { parse } from 'node:querystring';

/** Stands for a query that cannot be decoded, and says what is wrong with it. */
export const BAD_QUERY = {
  path: '',
  message: 'the query of the address is no percent-encoded UTF-8',
} as const;

/** The fields of a query, texts or lists of texts; {@link BAD_QUERY} where it cannot be decoded. Never throws. */
export function parseQuery(text: string): Record<string, unknown> {
  try {
    decodeURIComponent(text);
  } catch {
    return BAD_QUERY;
  }
  return parse(text);
}
