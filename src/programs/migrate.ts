/**
 * `npm run migrate`: brings the ledger's tables to this release. Safe to repeat and to run several times at once.
 */
import { takeConfig } from '../config.ts';
import { migrate } from '../ledger/migrate.ts';
import { openLog, runAsProgram } from './process.ts';

runAsProgram(import.meta.url, async () => {
  const config = takeConfig({ needs: ['database'] });
  const log = await openLog(config, 'migrate');
  const { applied, rights } = await migrate(config.databaseUrl);
  log.info(
    { applied, rights },
    applied.length > 0 ? 'the ledger is up to date now' : 'the ledger was up to date',
  );
});
