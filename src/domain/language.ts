/**
 * Every business word of Holdfast in one import: ids, limits, lines, commands, events, views and refusals.
 * Promises: a word that is spelled here is spelled the same in lua/, in SQL and over HTTP.
 * Refuses to know: keys, tables, clocks. Files of this room import each other directly, so that no circle arises.
 */
export * from './commands.ts';
export * from './events.ts';
export * from './fingerprint.ts';
export * from './id.ts';
export * from './limits.ts';
export * from './lines.ts';
export * from './refusals.ts';
export * from './views.ts';
