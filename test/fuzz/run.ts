/**
 * `npm run fuzz -- [--requests N] [--seed N]`: random ids over every route, as test/fuzz/ids.test.ts has it, with as many
 * requests as wanted (default 100,000) and a line of progress now and then.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string' } },
});
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    ...['run', 'test/fuzz', '--config', 'test/vitest.config.ts', '--disableConsoleIntercept'],
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      HOLDFAST_FUZZ_REQUESTS: values.requests,
      ...(values.seed === undefined ? {} : { HOLDFAST_FUZZ_SEED: values.seed }),
    },
  },
);
process.exitCode = status ?? 1;
