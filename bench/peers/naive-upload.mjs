import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import NodeClam from 'clamscan';
import express from 'express';
import multer from 'multer';

const { PORT = '', FILES_DIR = '', CLAMD_SOCKET = '' } = process.env;

/** The usual receiver: multer writes the file, it is read again as a whole, and scanned before the answer. Nothing is synced. */
const clamscan = await new NodeClam().init({
  preference: 'clamdscan',
  clamscan: { active: false, path: null },
  clamdscan: { socket: CLAMD_SOCKET, path: null, localFallback: false, timeout: 60_000 },
});
const upload = multer({ dest: FILES_DIR, limits: { fileSize: 25 * 1024 * 1024 } });
const app = express();
app.get('/livez', (_request, response) => response.end());
app.post('/upload', upload.single('file'), async (request, response) => {
  const { path, size, originalname } = request.file;
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  const { isInfected } = await clamscan.isInfected(path);
  response.status(isInfected ? 406 : 201).json({ size, sha256, originalName: originalname });
});
app.listen(Number(PORT), '127.0.0.1');
