/**
 * Looks at this machine: Node, ports, the disk of the data folder, and how the times to stop go together.
 */
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The oldest release of Node that works, and the oldest that still gets fixes. */
const NODE_MIN = [20, 19] as const;
const NODE_SUPPORTED = 22;
const DISK_BYTES_MIN = 1_024 ** 3;
const PORT_MS_MAX = 2_000;

/** Looks at the release of Node. @param version as `process.versions.node` has it */
export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]))
    return fail(
      'node',
      `${version} is too old`,
      `install Node 24; ${NODE_MIN.join('.')} is the oldest that works`,
    );
  if (major < NODE_SUPPORTED)
    return warn('node', `${version} works, but gets no more fixes`, 'install Node 24');
  return ok('node', version);
}

/**
 * Whether a process can listen there, or one of ours does already.
 * @param port 0 is always free
 * @param setting the variable that names the port
 */
export async function examinePort(
  check: string,
  host: string,
  port: number,
  setting: string,
): Promise<Finding> {
  const code = await tryToListen(host, port);
  if (code === undefined) return ok(check, `${host}:${port} is free`);
  if (code === 'EADDRINUSE') {
    if (await isOurs(host, port)) return ok(check, `Holdfast answers at ${host}:${port}`);
    return warn(check, `another program has ${host}:${port}`, `end that program, or set ${setting}`);
  }
  return fail(check, `${host}:${port} cannot be had: ${code}`, `set ${setting} or HOST`);
}

function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

async function isOurs(host: string, port: number): Promise<boolean> {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const name = reachable.includes(':') ? `[${reachable}]` : reachable;
  try {
    const answer = await fetch(`http://${name}:${port}/metrics`, {
      signal: AbortSignal.timeout(PORT_MS_MAX),
    });
    return /^holdfast_/m.test(await answer.text());
  } catch {
    return false;
  }
}

/** Looks at the room on the disk of a folder. */
export async function examineDisk(check: string, folder: string): Promise<Finding> {
  const free = await statfs(folder).catch(() => undefined);
  if (!free) return ok(check, `${folder} is not there yet`);
  const bytes = free.bavail * free.bsize;
  const says = `${Math.round(bytes / 1_024 ** 2)} MB free at ${folder}`;
  return bytes >= DISK_BYTES_MIN
    ? ok(check, says)
    : warn(check, says, 'free some: a full disk stops the stores');
}
