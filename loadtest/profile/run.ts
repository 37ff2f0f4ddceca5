/** `npm run profile -- lua`: counted instructions of the Lua program, as tables. */
import { oneOf, parseOptions, runMain, WrongOption } from '../command.ts';
import { profileLua } from './lua.ts';

const USAGE = `Usage: npm run profile -- lua [options]

  lua               the Lua program: counted instructions, the same on every machine
  --against FOLDER  the totals of another built checkout as well
  --help            this page
`;

runMain(USAGE, 1, async () => {
  const { values, positionals } = parseOptions(process.argv.slice(2), { against: { type: 'string' } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (positionals.length !== 1) throw new WrongOption('name what to profile: lua');
  oneOf('subject', positionals[0] ?? '', ['lua']);
  console.log(await profileLua(values.against));
  return 0;
});
