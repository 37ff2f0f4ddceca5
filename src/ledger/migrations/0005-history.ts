/**
 * What tells one history of a partition from another: the link at which the cursor stands, the epochs it was opened under,
 * the histories that Redis had beside it, and what was acknowledged and is gone.
 * Promises: columns and tables are only added, so programs of the release before keep working; a partition of theirs has
 * neither a nonce nor a link.
 */
import { type Kysely, sql } from 'kysely';

const CURSOR = `
ALTER TABLE partitions
  -- Of the newest epoch, which is a number and a nonce: two databases can give the same number.
  ADD COLUMN nonce text COLLATE "C",
  -- Of the last entry of the stream that the ledger has.
  ADD COLUMN link text COLLATE "C";
`;

// One row a chunk, which costs Postgres a tenth of what a row an entry would. Links are random: compressing them is vain.
const LINKS = `
CREATE TABLE links (
  partition smallint NOT NULL,
  -- The chunk begins right after this one.
  from_sequence bigint NOT NULL,
  to_sequence bigint NOT NULL,
  -- Of its last entry.
  epoch integer NOT NULL,
  events_total bigint NOT NULL,
  -- Of each entry in order, separated by spaces; "-" for one that has none.
  links text COLLATE "C" NOT NULL,
  CONSTRAINT links_pkey PRIMARY KEY (partition, to_sequence),
  CONSTRAINT links_go_on CHECK (from_sequence >= 0 AND to_sequence > from_sequence)
);
ALTER TABLE links ALTER COLUMN links SET STORAGE EXTERNAL;
`;

const EPOCHS = `
-- A person looked at forks and lost acknowledgements, and did what there was to do.
CREATE TABLE history_reviews (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT history_reviews_pkey PRIMARY KEY,
  partition smallint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor text COLLATE "C" NOT NULL,
  reason text NOT NULL
);

CREATE TABLE epochs (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT epochs_pkey PRIMARY KEY,
  partition smallint NOT NULL,
  number integer NOT NULL,
  nonce text COLLATE "C" NOT NULL,
  -- master_replid of the Redis that was verified.
  incarnation text COLLATE "C" NOT NULL,
  how text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  -- Where both stores were found to be one history.
  compared_sequence bigint NOT NULL,
  compared_link text COLLATE "C",
  compared_events_total bigint NOT NULL,
  -- Where Redis stood when it was opened: the first entry of the epoch comes right after. NULL until it was opened.
  first_sequence bigint,
  first_link text COLLATE "C",
  opened_at timestamptz,
  actor text COLLATE "C",
  reason text,
  -- Sequences that were seen and are gone.
  lost_from bigint,
  lost_to bigint,
  review_id bigint REFERENCES history_reviews,
  CONSTRAINT one_epoch_of_a_name UNIQUE (partition, number, nonce),
  CONSTRAINT opened_at_a_place CHECK ((opened_at IS NULL) = (first_sequence IS NULL)),
  CONSTRAINT lost_is_a_range CHECK ((lost_from IS NULL) = (lost_to IS NULL) AND lost_from <= lost_to)
);
CREATE INDEX epochs_of_partition ON epochs (partition, id);
`;

const FORKS = `
CREATE TABLE forks (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT forks_pkey PRIMARY KEY,
  partition smallint NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL,
  -- The last entry that both histories have; NULL where none was found.
  at_sequence bigint,
  at_link text COLLATE "C",
  redis_sequence bigint NOT NULL,
  -- Of the last entry of the history that Redis had: it tells one fork from another.
  redis_link text COLLATE "C",
  ledger_sequence bigint NOT NULL,
  detail text NOT NULL,
  review_id bigint REFERENCES history_reviews
);
CREATE INDEX forks_of_partition ON forks (partition, id);
-- A worker that dies between writing a fork down and the rebuild finds it again.
CREATE UNIQUE INDEX one_fork_of_a_history ON forks (partition, redis_sequence, redis_link) WHERE redis_link IS NOT NULL;

-- What Redis had behind the fork, as its stream had it.
CREATE TABLE fork_entries (
  fork_id bigint NOT NULL REFERENCES forks,
  ordinal integer NOT NULL,
  entry_id text COLLATE "C" NOT NULL,
  at timestamptz,
  link text COLLATE "C",
  events text NOT NULL,
  CONSTRAINT fork_entries_pkey PRIMARY KEY (fork_id, ordinal)
);

-- What an API process has acknowledged and the ledger does not have, reported by that process.
CREATE TABLE lost_acknowledgements (
  partition smallint NOT NULL,
  epoch integer NOT NULL,
  nonce text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  kind text NOT NULL,
  subject_id text COLLATE "C" NOT NULL,
  reported_at timestamptz NOT NULL DEFAULT now(),
  source text COLLATE "C" NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  review_id bigint REFERENCES history_reviews,
  CONSTRAINT lost_acknowledgements_pkey PRIMARY KEY (partition, epoch, nonce, sequence, kind, subject_id)
);
CREATE UNIQUE INDEX lost_acknowledgements_in_order ON lost_acknowledgements (partition, id);
CREATE INDEX lost_acknowledgements_open ON lost_acknowledgements (partition, id) WHERE review_id IS NULL;
`;

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statements of [CURSOR, LINKS, EPOCHS, FORKS]) await sql.raw(statements).execute(db);
}
