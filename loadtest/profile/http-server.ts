/**
 * The server of the benchmark with a profiler in it. Told `{ profile: 'start' }` it samples from then on, told `{ profile:
 * FILE }` it stops and writes what it found; like all that the server is told, each is answered with its processor time.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { INTERVAL_US } from './v8.ts';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });

// In this process a session answers before `post` returns, so this is over when the server sends its answer.
process.on('message', (told: { profile?: string }) => {
  if (told.profile === 'start') session.post('Profiler.start');
  else if (told.profile !== undefined) {
    const file = told.profile;
    session.post('Profiler.stop', (failure, { profile }) => {
      if (failure) throw failure;
      writeFileSync(file, JSON.stringify(profile));
    });
  }
});

await import('../bench/http-server.ts');
