/** Random values for tests of the codecs, and texts that are no record of any kind. */
import fc from 'fast-check';
import { INSTANT_MS_MAX, QUANTITY_MAX } from '../../../src/domain/language.ts';
import { HISTORIES } from '../../domain/histories.ts';

export const units = fc.nat({ max: QUANTITY_MAX });
export const instantMs = fc.nat({ max: INSTANT_MS_MAX });
export const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
export const RUNS = { numRuns: HISTORIES };

export const NO_RECORDS = ['', ' ', 'nothing', 'null', '1 2 3', '{}', 'ACTIVE', '庫存'] as const;
/** What the error about a record of a later format says. */
export const NEWER = /in format 2, written by a newer release/;
