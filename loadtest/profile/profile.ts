/**
 * What every kind of profile comes to, and the error for what this machine lacks: a line with how to get it, no stack trace.
 */
import type { Stack } from './stacks.ts';

export class Unavailable extends Error {}

/** What each kind of profile comes to. */
export interface Profile {
  readonly title: string;
  /** Of the weights. */
  readonly unit: string;
  /** None where there is no picture to draw. */
  readonly stacks: readonly Stack[];
  /** For the screen. */
  readonly tables: string;
}
