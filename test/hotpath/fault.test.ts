/**
 * What an error means for the commands of a batch: the one thing a caller must know is whether they can have run.
 */
import { expect, test } from 'vitest';
import { Fault, faultOf } from '../../src/hotpath/fault.ts';

test.each([
  'OOM command not allowed when used memory > maxmemory',
  'BUSY Redis is busy running a script',
  'LOADING Redis is loading the dataset in memory',
  'MISCONF Errors writing to the AOF file',
  'READONLY You can not write against a read only replica',
  'NOREPLICAS Not enough good replicas to write',
  'NOSCRIPT No matching script',
  'MOVED 0 127.0.0.1:7001',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'NOAUTH Authentication required',
  'NOPERM this user has no permissions',
])('nothing happened where Redis refused before the first line: %s', (message) => {
  expect(faultOf(new Error(message), true)).toMatchObject({
    code: 'unavailable',
    outcome: 'nothing-happened',
  });
});

test.each([
  'Command timed out',
  'Connection is closed.',
  'read ECONNRESET',
  'ERR user_script:12: attempt to index a nil value',
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  'OOMPH',
])('the outcome is unknown where it was sent and ended otherwise: %s', (message) => {
  expect(faultOf(new Error(message), true)).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
});

test('nothing happened where it was not sent, whatever the error says', () => {
  expect(faultOf(new Error('Connection is closed.'), false).outcome).toBe('nothing-happened');
});

test('a fault stays the fault it is, and keeps its cause', () => {
  const fault = new Fault('not-ready', 'nothing-happened', 'fenced', 250, 'because');
  expect(faultOf(fault, true)).toBe(fault);
  expect(fault).toMatchObject({ retryAfterMs: 250, cause: 'because' });
});
