/** Compares the guard's figures with their bounds. Promises: what was not measured often enough is shown, not judged. */

import { type Figure, figure, shortBy } from './figures.ts';
import type { Bound } from './guard-bounds.ts';
import { align, digits } from './report.ts';

/** A ratio is judged by the median of so many turns; fewer, and one busy second decides. */
export const TURNS = 3;

export interface Verdict {
  readonly lines: readonly string[];
  readonly isLost: boolean;
}

/** @param values by the name of a bound: of a ratio one a turn, of bytes one */
export function judge(bounds: readonly Bound[], values: ReadonlyMap<string, readonly number[]>): Verdict {
  const rows: string[][] = [];
  const lost: string[] = [];
  let judged = 0;
  for (const bound of bounds) {
    const { name, unit, usual } = bound;
    const measured = values.get(name) ?? [];
    const limit = 'atLeast' in bound ? { atLeast: bound.atLeast } : { atMost: bound.atMost };
    const limitText = 'atLeast' in limit ? `>= ${digits(limit.atLeast)}` : `<= ${digits(limit.atMost)}`;
    const isJudged = measured.length >= (unit === 'x' ? TURNS : 1);
    const own = measured.length > 0 ? figure(name, unit, measured, { target: limit }) : undefined;
    const isLost = own !== undefined && isJudged && !(shortBy(own) === 0);
    rows.push([
      name,
      own ? digits(own.median) : '-',
      unit,
      spread(own),
      digits(usual),
      limitText,
      word(isJudged, isLost),
    ]);
    if (isJudged) judged++;
    if (own && isLost)
      lost.push(`${name} is ${digits(own.median)} ${unit}, bound ${limitText} (usually ${digits(usual)})`);
  }
  const heads = ['', 'median', '', 'lowest .. highest', 'usually', 'bound', ''];
  const verdict =
    lost.length > 0
      ? lost.map((text) => `guard: LOST: ${text}`)
      : [`guard: ${judged} of ${bounds.length} figures judged, all within their bounds`];
  return { lines: [...align([heads, ...rows]), ...verdict], isLost: lost.length > 0 };
}

const spread = (own: Figure | undefined): string =>
  !own || own.low === own.high ? '' : `${digits(own.low)} .. ${digits(own.high)}`;

function word(isJudged: boolean, isLost: boolean): string {
  if (!isJudged) return 'not judged: too few turns';
  return isLost ? 'LOST' : 'kept';
}
