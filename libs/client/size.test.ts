import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

const LIMIT_BYTES = 6_000;

it(`the whole client is less than ${LIMIT_BYTES} bytes, minified and gzipped, and needs nothing else`, async () => {
  const bundle = await rolldown({ input: join(import.meta.dirname, 'create-client.ts'), platform: 'browser' });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const [chunk] = output;
  expect(chunk.imports).toEqual([]);
  expect(gzipSync(chunk.code, { level: 9 }).length).toBeLessThan(LIMIT_BYTES);
});
