import type { Queryable } from '#database/pool.ts';

const USED = `
  select distinct secret_label as label from webhook_log
  where source = $1 and received_at > now() - make_interval(hours => $2) and secret_label is not null`;

/** The labels of the secrets that accepted requests of a source were signed with lately. */
export async function usedLabels(client: Queryable, source: string, hours: number): Promise<string[]> {
  const { rows } = await client.query<{ label: string }>(USED, [source, hours]);
  return rows.map(({ label }) => label);
}
