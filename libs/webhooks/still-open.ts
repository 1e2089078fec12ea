/**
 * That a row which is named by its id is open. Said so that no index of open rows fits: PostgreSQL expects those to be few,
 * and would read all that wait for every batch.
 */
export const STILL_OPEN = "state not in ('done', 'dead')";
