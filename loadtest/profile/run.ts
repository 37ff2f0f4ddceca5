/** `npm run profile -- lua|engine|http`: where the time goes, as tables; of Node also as a .cpuprofile file. */

import { startStores } from '../bench/stores.ts';
import { closeOnSignals, oneOf, parseOptions, runMain, WrongOption, wholeNumber } from '../command.ts';
import { profileLua } from './lua.ts';
import { profileEngine, profileHttp } from './node.ts';

const SUBJECTS = ['lua', 'engine', 'http'] as const;
const SECONDS_DEFAULT = '5';
const SECONDS_MAX = 600;

const USAGE = `Usage: npm run profile -- ${SUBJECTS.join('|')} [options]

  lua               the Lua program: counted instructions, the same on every machine
  engine            the engine in one process, 512 callers: Node's sampling profiler
  http              the API process, 100 connections: Node's sampling profiler
  --against FOLDER  lua: the totals of another built checkout as well
  --seconds N       engine, http: how long, 1 to ${SECONDS_MAX} (default ${SECONDS_DEFAULT})
  --help            this page
`;

runMain(USAGE, 1, async () => {
  const { values, positionals } = parseOptions(process.argv.slice(2), {
    seconds: { type: 'string' },
    against: { type: 'string' },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (positionals.length !== 1) throw new WrongOption(`name one of ${SUBJECTS.join(', ')}`);
  const subject = oneOf('subject', positionals[0] ?? '', SUBJECTS);
  const seconds = wholeNumber('--seconds', values.seconds ?? SECONDS_DEFAULT, 1, SECONDS_MAX);
  if (subject === 'lua') {
    console.log(await profileLua(values.against));
    return 0;
  }
  const stores = await startStores((line) => console.error(`  ${line}`));
  closeOnSignals(() => stores.stop());
  try {
    console.log(await (subject === 'engine' ? profileEngine : profileHttp)(stores, seconds));
  } finally {
    await stores.stop();
  }
  return 0;
});
