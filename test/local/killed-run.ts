/**
 * A run of Holdfast that is killed without warning, as by the kernel when memory is short: a process of its
 * own starts a server and is then ended by SIGKILL.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts a server by `start` of `module` (a file of src/local) in `dataFolder`, kills the starter, answers the server's pid. */
export async function runAndKill(module: string, start: string, dataFolder: string): Promise<number> {
  const file = new URL(`../../src/local/${module}.ts`, import.meta.url).href;
  const script = `
    import { ${start} } from ${JSON.stringify(file)};
    const server = await ${start}({ dataFolder: ${JSON.stringify(dataFolder)}, log: () => undefined });
    console.log(server.pid);
    setInterval(() => undefined, 1000);
  `;
  const run = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [bytes] = (await Promise.race([once(run.stdout, 'data'), once(run, 'exit')])) as [unknown];
  if (!Buffer.isBuffer(bytes))
    throw new Error(`The run to be killed ended before its server was up (${bytes}).`);
  run.kill('SIGKILL');
  await once(run, 'exit');
  return Number(bytes.toString());
}
