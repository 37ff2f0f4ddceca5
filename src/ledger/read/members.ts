/**
 * Rows as the rest of the program reads them: columns in camel case, times in milliseconds under a name that says so, and
 * undefined in place of NULL.
 */

type CamelCase<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<CamelCase<B>>}` : S;
type MemberName<S extends string> = S extends 'at' | `${string}_at` ? `${CamelCase<S>}Ms` : CamelCase<S>;
/** What {@link members} makes of a row. */
export type Members<R> = {
  readonly [K in keyof R & string as MemberName<K>]: null extends R[K]
    ? Exclude<R[K], null> | undefined
    : R[K];
};

/** `total_before` as HTTP and the files of `npm run import` spell it. */
export function camelCase(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

const memberNames = new Map<string, string>();

/** A row with its columns renamed: `closed_at` becomes `closedAtMs`. */
export function members<R extends object>(row: R): Members<R> {
  const read: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    let name = memberNames.get(column);
    if (name === undefined) {
      name = `${camelCase(column)}${/(^|_)at$/.test(column) ? 'Ms' : ''}`;
      memberNames.set(column, name);
    }
    read[name] = value ?? undefined;
  }
  return read as Members<R>;
}

/** The row of which {@link members} makes a V: for statements in plain SQL, whose rows TypeScript cannot know. */
export type RowOf<V> = {
  readonly [K in keyof V & string as ColumnName<K>]: undefined extends V[K]
    ? Exclude<V[K], undefined> | null
    : V[K];
};
type ColumnName<S extends string> = S extends `${infer A}Ms` ? SnakeCase<A> : SnakeCase<S>;
type SnakeCase<S extends string> = S extends `${infer A}${infer B}`
  ? `${A extends Lowercase<A> ? '' : '_'}${Lowercase<A>}${SnakeCase<B>}`
  : '';
