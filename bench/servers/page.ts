import express from 'express';
import { nonceOf, pageHeaders } from '../../apps/ingress/page-headers.ts';

const { PORT = '', CLIENT_URL = '' } = process.env;

/** A page with a script and a style, under the headers of our pages. */
const app = express();
app.disable('x-powered-by');
app.use(pageHeaders({ clientUrl: CLIENT_URL, secure: true, preload: false }));
app.get('/', (_request, response) => {
  const nonce = nonceOf(response);
  response
    .type('html')
    .send(
      `<!doctype html><title>Page</title><style nonce="${nonce}">p{margin:0}</style><script nonce="${nonce}" src="/app.js"></script><p>Page`,
    );
});
app.listen(Number(PORT), '127.0.0.1');
