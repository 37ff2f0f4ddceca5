/** `npm run profile -- lua|http`: where the time goes, as tables; of Node also as a .cpuprofile file. */
import { startStores } from '../bench/stores.ts';
import { closeOnSignals, oneOf, parseOptions, runMain, WrongOption, wholeNumber } from '../command.ts';
import { profileHttp } from './http.ts';
import { profileLua } from './lua.ts';

const SUBJECTS = ['lua', 'http'] as const;
const SECONDS_MAX = 600;

const USAGE = `Usage: npm run profile -- ${SUBJECTS.join('|')} [options]

  lua               the Lua program: counted instructions, the same on every machine
  http              the API process, 100 connections: Node's sampling profiler
  --against FOLDER  lua: the totals of another built checkout as well
  --seconds N       http: how long, 1 to ${SECONDS_MAX} (default 5)
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
  if (oneOf('subject', positionals[0] ?? '', SUBJECTS) === 'lua') {
    console.log(await profileLua(values.against));
    return 0;
  }
  const stores = await startStores((line) => console.error(`  ${line}`));
  closeOnSignals(() => stores.stop());
  try {
    console.log(await profileHttp(stores, wholeNumber('--seconds', values.seconds ?? '5', 1, SECONDS_MAX)));
  } finally {
    await stores.stop();
  }
  return 0;
});
