import express from 'express';
import { isSigned } from './signature.ts';

const { PORT = '', SECRET = '', WEBHOOK_PATH = '' } = process.env;

/** The least that a receiver can do: read, verify, say yes, and forget. */
const app = express();
app.post(WEBHOOK_PATH, express.raw({ type: '*/*', limit: '3mb' }), (request, response) => {
  const body = request.body as Buffer;
  response.status(isSigned(body, request.get('x-hub-signature-256'), SECRET) ? 200 : 403).end();
});
app.listen(Number(PORT), '127.0.0.1');
