import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPage } from './build-page.ts';
import { openHostApp } from './host-app.ts';

const { env } = process;

/** What `npm start` says of itself in its data directory. */
interface Running {
  addresses: { ingress: string };
  settings: Record<string, string>;
}

const file = join(env['DATA_DIR'] ?? '.data', 'running.json');
const running = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Running) : undefined;
const ingressUrl = env['INGRESS_URL'] ?? running?.settings['PUBLIC_URL'] ?? running?.addresses.ingress;
const forwardSecret = env['FORWARD_SECRET'] ?? running?.settings['FORWARD_SECRET'];
const port = Number(env['HOST_APP_PORT'] ?? '5173');

if (ingressUrl === undefined || forwardSecret === undefined) {
  process.stderr.write(`Start Portcullis first, and tell it where this application is:

  FORWARD_URL=http://127.0.0.1:${port}/webhooks/portcullis FORWARD_ALLOW_PRIVATE=yes \\
  FORWARD_SECRET=whsec_$(head -c 32 /dev/urandom | base64) \\
  TICKET_CHECK_URL=http://127.0.0.1:${port}/ticket-check CLIENT_URL=http://localhost:${port} npm start

Then, in another terminal: npm run host-app
`);
  process.exit(1);
}

const app = openHostApp({ ingressUrl, forwardSecret, page: await buildPage(ingressUrl) });
app.listen(port, '127.0.0.1', () => {
  process.stdout.write(`The support application: http://localhost:${port}/\n${JSON.stringify({ port })}\n`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
