import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';

const { PORT = '', FILES_DIR = '' } = process.env;

/** A tus server as its documentation sets it up: it takes files and scans nothing. */
const server = new Server({ path: '/files', datastore: new FileStore({ directory: FILES_DIR }) });
server.listen({ host: '127.0.0.1', port: Number(PORT) });
