import { createServer } from 'node:http';
import { isSigned } from '../signature.ts';

const { PORT = '', SECRET = '', WEBHOOK_PATH = '', PEER = '', DATABASE_URL, QUEUE_URL } = process.env;

/** Checks a signed message, hands it to the queue, and says yes when the queue has it. */
const { openProducer } = await import(`./${PEER}.mjs`);
const producer = await openProducer({ databaseUrl: DATABASE_URL, redisUrl: QUEUE_URL });

async function receive(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (request.method !== 'POST' || request.url !== WEBHOOK_PATH) return response.writeHead(404).end();
  if (!isSigned(body, request.headers['x-hub-signature-256'], SECRET)) return response.writeHead(403).end();
  const text = body.toString();
  const key = JSON.parse(text).entry[0].changes[0].value.messages[0].id;
  await producer.add(key, text);
  return response.writeHead(200, { 'content-length': 0 }).end();
}

createServer((request, response) => {
  receive(request, response).catch(() => response.writeHead(503, { 'content-length': 0 }).end());
}).listen(Number(PORT), '127.0.0.1');
