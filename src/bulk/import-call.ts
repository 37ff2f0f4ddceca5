/**
 * What a person types behind `npm run import --`, read and checked. Promises: what cannot be done is said in words before
 * anything is opened.
 */
import { parseArgs } from 'node:util';
import { ID_HINT, isId } from '../domain/id.ts';
import { formatOf } from './bulk-file.ts';
import { IMPORTS, type ImportRequest } from './importing.ts';
import { BULK_FORMATS } from './records.ts';
import { IMPORT_NAME_LENGTH_MAX, STOCK_COLUMNS } from './stock-rows.ts';
import { WAREHOUSE_COLUMNS } from './warehouse-rows.ts';

const REJECTS_MAX_DEFAULT = 1_000;
export const IMPORT_HELP = `npm run import -- stock FILE [options]        opening stock: each row is a receipt (入庫)
npm run import -- warehouses FILE [options]   names and places of warehouses

FILE is CSV with a header, or NDJSON; - is standard input. Fields of a row:
  stock        ${STOCK_COLUMNS.required.join(', ')}; where needed ${STOCK_COLUMNS.optional.join(', ')}
  warehouses   ${WAREHOUSE_COLUMNS.required.join(', ')}; where needed ${WAREHOUSE_COLUMNS.optional.join(', ')}

  --format csv|ndjson   default: by the file's ending, else csv
  --name NAME           names the movements of rows without a movementId. The same name and row are the same receipt,
                        so that a second run changes nothing. Default: by the file's content
  --results FILE        the outcome of each row, as NDJSON: row, outcome done, replayed, refused or invalid, detail
  --rejects-max N       stop when more than N rows have failed (default ${REJECTS_MAX_DEFAULT})
  --dry-run             read and check every row, send nothing
  --no-wait             do not wait until the ledger has everything
  --json                the account as JSON`;

/** Wrong arguments. */
class WrongCall extends Error {}

/** An import as a person asked for it. */
export interface ImportCall
  extends Pick<ImportRequest, 'what' | 'format' | 'name' | 'rejectsMax' | 'resultsPath' | 'isLedgerAwaited'> {
  /** `-` for standard input. */
  readonly path: string;
  readonly isDryRun: boolean;
  /** The account of the import as JSON. */
  readonly isJson: boolean;
}

/** @param args without the program @returns `help` where that was asked for @throws {WrongCall}, or parseArgs's TypeError */
export function readImportCall(args: readonly string[]): ImportCall | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      name: { type: 'string' },
      results: { type: 'string' },
      'rejects-max': { type: 'string', default: String(REJECTS_MAX_DEFAULT) },
      'dry-run': { type: 'boolean', default: false },
      'no-wait': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const [word, path, ...more] = positionals;
  const what = IMPORTS.find((name) => name === word);
  if (!what || path === undefined || more.length > 0)
    throw new WrongCall(`say what and from where:\n\n${IMPORT_HELP}`);
  const { name } = values;
  if (name !== undefined && !(isId(name) && [...name].length <= IMPORT_NAME_LENGTH_MAX)) {
    throw new WrongCall(`--name: ${ID_HINT}, and at most ${IMPORT_NAME_LENGTH_MAX} of them`);
  }
  const format = BULK_FORMATS.find((one) => one === (values.format ?? formatOf(path) ?? 'csv'));
  if (!format) throw new WrongCall(`--format: there are ${BULK_FORMATS.join(' and ')}`);
  const rejectsMax = Number(values['rejects-max']);
  if (!(Number.isInteger(rejectsMax) && rejectsMax >= 0))
    throw new WrongCall('--rejects-max: use a whole number');
  return {
    what,
    path,
    format,
    name,
    rejectsMax,
    resultsPath: values.results,
    isLedgerAwaited: !values['no-wait'],
    isDryRun: values['dry-run'],
    isJson: values.json,
  };
}
