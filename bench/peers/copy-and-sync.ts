import { createHash, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { PORT = '', FILES_DIR = '' } = process.env;

/** The ceiling: the body is copied to a file, hashed on the way, and synced; nothing is asked and nothing else is kept. */
const directory = await open(FILES_DIR, 'r');
createServer((request, response) => {
  const take = async (): Promise<void> => {
    if (request.method !== 'POST') return;
    const file = await open(join(FILES_DIR, randomUUID()), 'wx', 0o600);
    const hash = createHash('sha256');
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.datasync();
    await file.close();
    await directory.sync();
    response.statusCode = 202;
    response.setHeader('content-type', 'application/json');
    response.write(JSON.stringify({ sha256: hash.digest('hex') }));
  };
  take().then(
    () => response.end(),
    (error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    },
  );
}).listen(Number(PORT), '127.0.0.1');
