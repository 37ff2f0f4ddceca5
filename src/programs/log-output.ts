/**
 * Where the log goes. Promises: a log that nobody reads, a closed pipe or a full disk neither delays nor ends the process, and
 * takes a bounded amount of memory: what does not fit is dropped, counted, and told in one line when the log works again.
 * Refuses to know: what is logged.
 */
import sonicBoom from 'sonic-boom';

/** Some 5,000 lines wait for a reader that is late; more are dropped. */
const WAITING_BYTES_MAX = 1_048_576;
/** How often what waits is tried again while no new line comes. */
const TRY_AGAIN_MS = 250;

/** A place for lines that never waits. */
export interface LogOutput {
  /** Writes a line, or keeps it, or drops it. */
  write(line: string): void;
  /** Lines dropped since it was opened. */
  readonly dropped: number;
}

/**
 * Opens the output on a file descriptor, which must not block where it is a pipe.
 * @param onWorksAgain called when everything that waited is written and lines were dropped before; gets how many
 */
export function openLogOutput(fd: number, onWorksAgain: (dropped: number) => void): LogOutput {
  // Each line is written at once, so that an ending process owes none. Where that fails it waits for the next attempt: the
  // library's own retries would sleep, and its flushSync never returns after an error other than EAGAIN, so nobody calls it.
  const boom = new sonicBoom.SonicBoom({
    fd,
    sync: true,
    maxLength: WAITING_BYTES_MAX,
    retryEAGAIN: () => false,
  });
  let dropped = 0;
  let told = 0;
  let timer: NodeJS.Timeout | undefined;
  boom.on('drop', () => {
    dropped++;
  });
  boom.on('error', () => {
    timer ??= setInterval(() => boom.write(''), TRY_AGAIN_MS).unref();
  });
  boom.on('drain', () => {
    clearInterval(timer);
    timer = undefined;
    const untold = dropped - told;
    told = dropped;
    if (untold > 0) onWorksAgain(untold);
  });
  return {
    write: (line) => void boom.write(line),
    get dropped() {
      return dropped;
    },
  };
}
