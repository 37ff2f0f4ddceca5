/**
 * Why a connection to Postgres was not made, with what helps: the errors of TLS and of authentication name neither the
 * setting nor the remedy.
 */

const UNKNOWN_CA =
  'the certificate of Postgres is not signed by an authority that this process knows: add sslrootcert=/path/to/ca.pem to ' +
  'DATABASE_URL (sslmode=require checks certificate and host name, as verify-full does)';
const NO_PASSWORD =
  'no password: DATABASE_URL has none, nor has PGPASSWORD, nor a ~/.pgpass that only its owner can read';

const REMEDIES: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT\w*) /,
    UNKNOWN_CA,
  ],
  [/^ERR_TLS_CERT_ALTNAME_INVALID /, 'name the host in DATABASE_URL as the certificate does'],
  [/does not support SSL/, 'switch ssl on in Postgres, or leave sslmode out of DATABASE_URL'],
  [/password must be a string/, NO_PASSWORD],
  [/^28P01 /, 'the user or the password in DATABASE_URL is wrong'],
  [/no encryption|SSL off/, 'this Postgres wants TLS: add sslmode=verify-full to DATABASE_URL'],
  [
    /valid client certificate|certificate authentication failed/,
    'add sslcert and sslkey, a certificate for this user, to DATABASE_URL',
  ],
  [/unsupported startup parameter/, 'a pooler refuses it: take options out of DATABASE_URL'],
];

/** The error with its remedy, where one is known; it keeps its code. Anything else as it is. */
export function explainConnecting(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = messageOf(error);
  const [, remedy] = REMEDIES.find(([pattern]) => pattern.test(`${code} ${message}`)) ?? [];
  if (remedy === undefined && message === error.message) return error;
  const text = remedy === undefined ? message : `${message}: ${remedy}`;
  return Object.assign(new Error(text, { cause: error }), { code: code || 'CONNECTION_REFUSED' });
}

/** A name with several addresses (localhost) fails with an error for each, and no words of its own. */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message;
  return error.errors
    .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
    .join('; ');
}
