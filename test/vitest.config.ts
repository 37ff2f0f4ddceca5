import { configDefaults, defineConfig } from 'vitest/config';

/** It builds the release before and starts both: for .ci/run and `npm run test:release`. */
const ROLLING = 'test/release/rolling.test.ts';

/**
 * Files of these folders share a process one after the other, and with it every module: loading them again for each file was
 * a third of a run. They leave nothing behind in the process: no environment, no handler of signals, no module's state. A
 * test that must change any of these belongs into another folder, or into ALONE.
 */
const FOLDERS = 'agreement|bench|bulk|domain|history|hotpath|http|ledger|load|timing';
const TOGETHER = `test/@(${FOLDERS})/**/*.test.ts`;
/** They change the environment of their process, or look at what a process does once. */
const ALONE = ['test/ledger/reaching-postgres.test.ts', 'test/ledger/pooler.test.ts'];
const APART = ['test/*.test.ts', `test/!(${FOLDERS})/**/*.test.ts`, ...ALONE];

const root = new URL('..', import.meta.url).pathname;
const exclude = [...configDefaults.exclude, ...(process.env.HOLDFAST_TEST_RELEASE === '1' ? [] : [ROLLING])];
const limits = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    root,
    // Once for the run: both projects see what it provides.
    globalSetup: ['test/stores.ts'],
    // One more than two cores: many files wait for servers and time-outs.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'together',
          root,
          include: [TOGETHER],
          exclude: [...exclude, ...ALONE],
          isolate: false,
          ...limits,
        },
      },
      {
        test: {
          name: 'alone',
          root,
          include: APART,
          exclude,
          ...limits,
        },
      },
    ],
  },
});
