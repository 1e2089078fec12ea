import { readTogether } from '#runtime/config.ts';
import { runProcess } from '#runtime/process.ts';
import { readSources } from '#webhooks/sources.ts';
import { openIngress } from './open-ingress.ts';
import { readIngressConfig } from './settings.ts';

await runProcess('ingress', async ({ stack, log }) => {
  const [config, sources] = readTogether(readIngressConfig, readSources);
  const { port } = await openIngress({ stack, log, config, sources });
  log.info({ host: config.HOST, port, sources: [...sources.values()].map(({ name }) => name) }, 'ingress is listening');
});
