/**
 * The canonical text of a security event `e`: a JSON array of a version number and of its fields in this order, as
 * PostgreSQL prints it (one space after `,` and `:`; the keys of `details` as jsonb sorts them); times are whole microseconds since 1970. What is
 * hashed is its UTF-8. Columns that are not in it (era, transaction_id) only put rows in order.
 */
export const CANONICAL = `
  json_build_array(1, e.id, e.type, e.severity, (extract(epoch from e.occurred_at) * 1000000)::bigint,
    (extract(epoch from e.recorded_at) * 1000000)::bigint, e.actor_id, e.actor_kind, e.target_kind, e.target_id,
    e.address_prefix, e.correlation_id, e.source, e.count, e.details)::text`;

/**
 * For a transaction that reads events in the order of the chain: by the index, whatever the statistics say. A plan that
 * reads the whole table and sorts it would do so for every page.
 */
export const IN_CHAIN_ORDER =
  'set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off';
