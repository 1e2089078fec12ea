import type { Running } from '../running.ts';

/** One line of the demo's table. */
export interface DemoRow {
  sent: string;
  answer: string;
  latencyMs: number;
  /** The id by which the answer can be found again. */
  reference: string;
  /** What became of it. */
  outcome: string;
}

export interface Demonstration {
  title: string;
  rows: DemoRow[];
}

const HEADINGS = ['sent', 'answer', 'latency', 'id', 'what became of it'];

/** A table as plain text, as wide as its content. */
export function tableOf(rows: readonly DemoRow[]): string {
  const cells = rows.map(({ sent, answer, latencyMs, reference, outcome }) => [
    sent,
    answer,
    `${latencyMs.toFixed(1)} ms`,
    reference,
    outcome,
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(HEADINGS), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n');
}

/** Measures one request; reads the body as JSON where it is JSON. */
export async function timed(
  url: string,
  init: RequestInit,
): Promise<{ response: Response; body: Record<string, unknown>; latencyMs: number }> {
  const startedAt = performance.now();
  const response = await fetch(url, init);
  const text = await response.text();
  const latencyMs = performance.now() - startedAt;
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  return { response, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {}, latencyMs };
}

/** Signs the first admin in, as one of their devices. */
export async function signInAsAdmin(running: Running, deviceId: string) {
  const { ADMIN_EMAIL: email = '', ADMIN_PASSWORD: password = '' } = running.settings;
  const result = await timed(`${running.addresses.ingress}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': `demo (${deviceId})` },
    body: JSON.stringify({ email, password, deviceId }),
  });
  const { accessToken = '', refreshToken = '' } = result.body as { accessToken?: string; refreshToken?: string };
  return { ...result, accessToken, refreshToken, deviceId };
}
