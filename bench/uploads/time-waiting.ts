import type { BenchFile } from './files.ts';
import type { Ours } from './ours.ts';
import { formRequest } from './requests.ts';
import { clientsFor, loadHttp } from '../http-load.ts';

const WAITING = new Set(['quarantined', 'scanning']);

/**
 * Milliseconds from the moment that a verdict was written to the moment that a client has it who was waiting for it; one
 * file at a time.
 */
export async function timeWaiting({ port, token, pool }: Ours, files: readonly BenchFile[]): Promise<number[]> {
  const times: number[] = [];
  for (const file of files) {
    let id = '';
    const [client] = clientsFor(1, [formRequest('/api/attachments/bench', file, token)]);
    if (client === undefined) continue;
    await loadHttp({
      port,
      clients: [{ ...client, answered: (_head, body) => (id = (JSON.parse(body) as { id: string }).id) }],
    });
    const answeredMs = await waitForVerdict(`http://127.0.0.1:${port}/api/uploads/${id}`, token);
    // The time of the transaction's beginning, so the commit counts as waiting.
    const { rows } = await pool.query<{ scanned_ms: number }>(
      'select extract(epoch from scanned_at)::float8 * 1000 as scanned_ms from upload where id = $1',
      [id],
    );
    times.push(answeredMs - (rows[0]?.scanned_ms ?? Number.NaN));
  }
  return times;
}

async function waitForVerdict(url: string, token: string): Promise<number> {
  for (;;) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, prefer: 'wait=20' } });
    const { status } = (await response.json()) as { status: string };
    if (!WAITING.has(status)) return performance.timeOrigin + performance.now();
  }
}
