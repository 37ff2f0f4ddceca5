import { configDefaults, defineConfig } from 'vitest/config';

/** It builds the release before and starts both: for .ci/run and `npm run test:release`. */
const ROLLING = 'test/release/rolling.test.ts';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(process.env.HOLDFAST_TEST_RELEASE === '1' ? [] : [ROLLING])],
    globalSetup: ['test/stores.ts'],
    // One more than two cores: many files wait for servers and time-outs.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
