/**
 * A connection between engine and Redis that fails on purpose: it can lose a request, lose the answer of a request that ran,
 * hold answers back, or fall silent. It reads the protocol, so what was lost is known exactly.
 * Promises: only script calls meet their fate; nothing is sent twice, and nothing is made up.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { answerAt } from '../../src/hotpath/codec/batch-codec.ts';
import { testRedisUrl } from '../services.ts';

/**
 * `pass`: as if there were no proxy. `cut-before`: the connection ends and Redis never saw the request. `cut-after`:
 * Redis ran it, then the connection ends without the answer. `swallow`: Redis ran it, and from then on nothing comes
 * back on this connection. `hold`: the answers wait for {@link FaultProxy.release}.
 */
export type Fate = 'pass' | 'cut-before' | 'cut-after' | 'swallow' | 'hold';

/** One EVALSHA or EVAL as it was sent, in the parts of lua/batch.lua. */
export interface ScriptCall {
  /** The text of each command. */
  readonly commands: readonly string[];
  readonly keys: readonly string[];
}

export class FaultProxy {
  /** Decides over each script call; may be set anew at any time. */
  fate: (call: ScriptCall) => Fate = () => 'pass';
  /** Script calls with commands that the client sent, lost ones included. */
  readonly sent: ScriptCall[] = [];
  url = '';
  #port = 0;
  readonly #wires = new Set<Wire>();
  readonly #server = createServer((client) => {
    const wire = new Wire(this, client);
    this.#wires.add(wire);
    client.once('close', () => this.#wires.delete(wire));
  });

  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    this.url = `redis://127.0.0.1:${this.#port}`;
  }

  /** Lets go of the answers that were held back, in their order. */
  release(): void {
    this.fate = () => 'pass';
    for (const wire of this.#wires) wire.release();
  }

  /** Ends all connections and takes no more, until {@link listen}. */
  async close(): Promise<void> {
    for (const wire of this.#wires) wire.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One connection and its twin to Redis. */
class Wire {
  readonly #proxy: FaultProxy;
  readonly #client: Socket;
  readonly #redis: Socket;
  #fromClient = Buffer.alloc(0);
  #fromRedis = Buffer.alloc(0);
  /** Of the requests that have no answer yet, in order. */
  readonly #fates: Fate[] = [];
  #held: Buffer[] = [];
  #isHolding = false;
  #isSilent = false;

  constructor(proxy: FaultProxy, client: Socket) {
    this.#proxy = proxy;
    this.#client = client;
    const { hostname, port } = new URL(testRedisUrl());
    this.#redis = connect({ host: hostname, port: Number(port) });
    for (const socket of [this.#client, this.#redis]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.cut()); // a cut connection, which is what this is for
      socket.on('close', () => this.cut());
    }
    this.#client.on('data', (bytes) => this.#ask(bytes));
    this.#redis.on('data', (bytes) => this.#answer(bytes));
  }

  cut(): void {
    this.#client.destroy();
    this.#redis.destroy();
  }

  release(): void {
    this.#isHolding = false;
    for (const reply of this.#held) this.#client.write(reply);
    this.#held = [];
  }

  #ask(bytes: Buffer): void {
    this.#fromClient = Buffer.concat([this.#fromClient, bytes]);
    for (;;) {
      const end = valueEnd(this.#fromClient, 0);
      if (end < 0) return;
      const request = this.#fromClient.subarray(0, end);
      this.#fromClient = this.#fromClient.subarray(end);
      const call = scriptCall(request);
      const fate = call ? this.#proxy.fate(call) : 'pass';
      if (call && call.commands.length > 0) this.#proxy.sent.push(call);
      if (fate === 'cut-before') {
        this.cut();
        return;
      }
      this.#fates.push(fate);
      this.#redis.write(request);
    }
  }

  #answer(bytes: Buffer): void {
    this.#fromRedis = Buffer.concat([this.#fromRedis, bytes]);
    for (;;) {
      const end = valueEnd(this.#fromRedis, 0);
      if (end < 0) return;
      const reply = this.#fromRedis.subarray(0, end);
      this.#fromRedis = this.#fromRedis.subarray(end);
      const fate = this.#fates.shift();
      if (fate === 'cut-after') {
        this.cut();
        return;
      }
      if (fate === 'swallow') this.#isSilent = true;
      if (fate === 'hold') this.#isHolding = true;
      if (this.#isSilent) continue;
      if (this.#isHolding) this.#held.push(reply);
      else this.#client.write(reply);
    }
  }
}

const BULK_KINDS = '$=!';
const LIST_KINDS = '*~>%';

/** Where the protocol value that begins at `start` ends, or -1 where it is not all there yet. */
function valueEnd(bytes: Buffer, start: number): number {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return -1;
  const kind = String.fromCharCode(bytes[start] ?? 0);
  const count = Number(bytes.toString('latin1', start + 1, lineEnd));
  let end = lineEnd + 2;
  if (BULK_KINDS.includes(kind) && count >= 0) {
    end += count + 2;
    return end <= bytes.length ? end : -1;
  }
  if (!LIST_KINDS.includes(kind)) return end;
  for (let i = 0; i < (kind === '%' ? 2 * count : count); i++) {
    end = valueEnd(bytes, end);
    if (end < 0) return -1;
  }
  return end;
}

/** The words of a request, which is a list of bulk strings. */
function wordsOf(request: Buffer): string[] {
  const words: string[] = [];
  let at = request.indexOf('\r\n') + 2;
  while (at < request.length) {
    const lineEnd = request.indexOf('\r\n', at);
    const length = Number(request.toString('latin1', at + 1, lineEnd));
    words.push(request.toString('utf8', lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return words;
}

/** Arguments before the texts of the commands, as lua/batch.lua names them. */
const HEAD_ARGUMENTS = 9;

function scriptCall(request: Buffer): ScriptCall | undefined {
  const [name = '', , keyCount, ...rest] = wordsOf(request);
  if (!/^eval(sha)?$/i.test(name)) return undefined;
  const keys = rest.slice(0, Number(keyCount));
  const [, which = '', ...texts] = rest.slice(Number(keyCount) + HEAD_ARGUMENTS);
  // The same codes lead from a reply to its answers and from a call to its texts.
  const commands = Array.from({ length: which.length / 2 }, (_, i) => answerAt(['', which, ...texts], i));
  return { keys, commands };
}

/** A proxy in front of the run's Redis, gone when the test ends. */
export async function givenProxy(): Promise<FaultProxy> {
  const proxy = new FaultProxy();
  await proxy.listen();
  onTestFinished(() => proxy.close());
  return proxy;
}
