/**
 * A network connection to Postgres that can be cut: nothing passes until it is mended, or one answer is lost.
 * Promises: the server is untouched, for other tests use it at the same time.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export class CutWire {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #lostAnswerTo: string | undefined;
  /** Answers that were lost. */
  lost = 0;
  readonly #server = createServer((client) => this.#join(client));

  private constructor(targetUrl: string) {
    this.#target = new URL(targetUrl);
  }

  static async to(databaseUrl: string): Promise<CutWire> {
    const wire = new CutWire(databaseUrl);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  /** The database by way of this wire. */
  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** Ends all connections; new ones end at once. */
  cut(): void {
    this.#isCut = true;
    this.#destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** The next request with this text reaches Postgres and is carried out; its answer does not come back. */
  loseAnswerTo(text: string): void {
    this.#lostAnswerTo = text;
  }

  async close(): Promise<void> {
    this.#destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #join(client: Socket): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const server = connect({ host: this.#target.hostname, port: Number(this.#target.port) });
    let isLosing = false;
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (bytes) => {
      if (this.#lostAnswerTo !== undefined && bytes.includes(this.#lostAnswerTo)) {
        this.#lostAnswerTo = undefined;
        isLosing = true;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (!isLosing) client.write(bytes);
      else {
        this.lost++;
        end();
      }
    });
  }
}
