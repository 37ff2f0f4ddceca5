/**
 * Who may do what to the ledger (D14): a writer that adds and never takes away, a reader, and the API, which reads and
 * writes what people decide. The secrets of webhooks are read by the writer alone, which signs with them.
 * Promises: safe to repeat, for the roles belong to the cluster and are shared by all its databases.
 * Refuses to know: users and passwords; whoever logs in is made a member by the operator.
 */
import pg from 'pg';

/** `not-permitted`: the user may not make roles or grant these rights; the append-only trigger works without them. */
export type RightsOutcome = 'granted' | 'not-permitted';

// Two databases of a cluster may be migrated at once: the slower one finds the roles made.
const MAKE_ROLES = `
DO $$
DECLARE
  wanted text;
  -- From 16 on a membership says whether its member may take the role. Who makes a role gets one that does not.
  is_new boolean := current_setting('server_version_num')::integer >= 160000;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['holdfast_writer', 'holdfast_reader', 'holdfast_api'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
    IF NOT pg_has_role(current_user, wanted, CASE WHEN is_new THEN 'SET' ELSE 'MEMBER' END) THEN
      BEGIN
        EXECUTE format('GRANT %I TO CURRENT_USER', wanted) || CASE WHEN is_new THEN ' WITH SET TRUE, INHERIT TRUE' ELSE '' END;
      EXCEPTION WHEN unique_violation OR internal_error OR insufficient_privilege THEN
        NULL; -- "tuple concurrently updated" is internal; who may not join keeps its own rights
      END;
    END IF;
  END LOOP;
END $$`;

const GRANTS = `
DO $$ BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO holdfast_writer, holdfast_reader, holdfast_api', current_schema());
END $$;
GRANT SELECT ON ledger, ledger_entries, items, reservations, open_holds, partitions, drift, parked_events, audits, warehouses,
  transfers, transfer_proposals, stocktake_lines, sales, shortfalls,
  links, epochs, forks, fork_entries, lost_acknowledgements, history_reviews, kysely_migration, alert_acknowledgements, webhooks, webhook_deliveries TO holdfast_writer, holdfast_reader, holdfast_api;
GRANT EXECUTE ON FUNCTION decode_id(text), order_lines(text) TO holdfast_writer, holdfast_reader, holdfast_api;
GRANT INSERT ON ledger, drift, parked_events TO holdfast_writer;
GRANT INSERT, DELETE ON audits TO holdfast_writer;
GRANT UPDATE (resolved_at) ON drift TO holdfast_writer;
GRANT UPDATE (settled_at, settled_as) ON parked_events TO holdfast_writer;
GRANT INSERT, UPDATE ON items, reservations, partitions, warehouses, transfers, stocktake_lines, sales, shortfalls
  TO holdfast_writer;
GRANT INSERT ON transfer_proposals TO holdfast_writer;
GRANT INSERT, UPDATE, DELETE ON links TO holdfast_writer;
GRANT INSERT ON epochs, forks, fork_entries, history_reviews TO holdfast_writer;
GRANT UPDATE (first_sequence, first_link, opened_at, review_id) ON epochs TO holdfast_writer;
GRANT UPDATE (review_id) ON forks, lost_acknowledgements TO holdfast_writer;
GRANT INSERT (partition, epoch, nonce, sequence, kind, subject_id, source) ON lost_acknowledgements
  TO holdfast_writer, holdfast_api;
GRANT INSERT, UPDATE ON warehouses TO holdfast_api;
GRANT UPDATE (state, decided_at, decided_by) ON transfer_proposals TO holdfast_api;
GRANT UPDATE (resolved_at, resolved_by, resolution) ON shortfalls TO holdfast_api;
GRANT INSERT ON alert_acknowledgements, webhooks, webhook_secrets TO holdfast_api;
GRANT UPDATE (url, actor, after_id, updated_at, disabled_at, disabled_by) ON webhooks TO holdfast_api;
GRANT SELECT (webhook_id, digest, made_at, ends_at), UPDATE (made_at, ends_at), DELETE ON webhook_secrets TO holdfast_api;
GRANT UPDATE (state, next_attempt_at, claimed_until, settled_at) ON webhook_deliveries TO holdfast_api;
GRANT SELECT, DELETE ON webhook_secrets TO holdfast_writer;
GRANT INSERT, DELETE ON webhook_deliveries TO holdfast_writer;
GRANT UPDATE (after_id, disabled_at, disabled_by) ON webhooks TO holdfast_writer;
GRANT UPDATE (state, attempts, next_attempt_at, claimed_until, last_attempt_at, settled_at, last_status, last_answer)
  ON webhook_deliveries TO holdfast_writer;
REVOKE UPDATE, DELETE, TRUNCATE ON ledger FROM PUBLIC, holdfast_writer, holdfast_reader, holdfast_api`;

/** One migrator of a database at a time: two would change the same rows of pg_class. */
const RIGHTS_LOCK = 4_850_001;

/** Makes the roles and grants their rights. @throws where it failed for another reason than a missing right */
export async function grantRights(pool: pg.Pool): Promise<RightsOutcome> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [RIGHTS_LOCK]);
    await client.query(MAKE_ROLES);
    await client.query(GRANTS);
    await client.query('COMMIT');
    return 'granted';
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    const isNotPermitted = error instanceof pg.DatabaseError && error.code === '42501';
    if (isNotPermitted) return 'not-permitted';
    throw error;
  } finally {
    client.release();
  }
}
