import { eicar } from '#uploads/test-signatures.ts';
import { buildZip } from '#uploads/store-zip.ts';
import type { Running } from '../running.ts';
import { signInAsAdmin, timed, type Demonstration, type DemoRow } from './step.ts';

const WAIT_SECONDS = 20;

interface UploadView {
  id?: string;
  status?: string;
  reason?: string | null;
}

/** Uploads a clean PDF, and EICAR inside a zip; follows each to its verdict and tries to download it. */
export async function demonstrateUploads(running: Running): Promise<Demonstration> {
  const origin = running.addresses.ingress;
  const { accessToken } = await signInAsAdmin(running, 'demo-uploads-0001');
  const rows: DemoRow[] = [];
  const files = [
    { name: 'receipt.pdf', type: 'application/pdf', bytes: pdf() },
    {
      name: 'holiday.zip',
      type: 'application/zip',
      bytes: Buffer.concat(buildZip([{ name: 'eicar.txt', data: eicar() }])),
    },
  ];
  for (const { name, type, bytes } of files) {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(bytes)], { type }), name);
    const headers = { authorization: `Bearer ${accessToken}` };
    const sent = await timed(`${origin}/api/attachments/demo-ticket`, { method: 'POST', headers, body: form });
    const { id = '-' } = sent.body as UploadView;
    const verdict = await follow(`${origin}/api/uploads/${id}`, headers);
    rows.push({
      sent: name,
      answer: String(sent.response.status),
      latencyMs: sent.latencyMs,
      reference: id,
      outcome: textOf(verdict),
    });
    const content = await timed(`${origin}/api/uploads/${id}/content`, { headers });
    const outcome = content.response.ok
      ? `${content.response.headers.get('content-length')} bytes, ${content.response.headers.get('content-disposition')}`
      : ((content.body as { code?: string }).code ?? '');
    rows.push({
      sent: `download ${name}`,
      answer: String(content.response.status),
      latencyMs: content.latencyMs,
      reference: id,
      outcome,
    });
  }
  return { title: 'Uploads', rows };
}

/** Waits for the verdict: each answer comes as soon as something changes. */
async function follow(url: string, headers: Record<string, string>): Promise<UploadView> {
  const giveUpAtMs = Date.now() + 2 * WAIT_SECONDS * 1_000;
  for (;;) {
    const { body } = await timed(url, { headers: { ...headers, prefer: `wait=${WAIT_SECONDS}` } });
    const upload = body as UploadView;
    const isPending = upload.status === 'quarantined' || upload.status === 'scanning';
    if (!isPending || upload.reason === 'scanner-unavailable' || Date.now() > giveUpAtMs) return upload;
  }
}

function textOf({ status = 'unknown', reason }: UploadView): string {
  return reason === null || reason === undefined ? status : `${status}: ${reason}`;
}

/** A small PDF with one empty page and a right table of offsets. */
function pdf(): Buffer {
  const objects = [
    '1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n',
    '2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n',
    '3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>\nendobj\n',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object) => {
    const offset = text.length;
    text += object;
    return String(offset).padStart(10, '0');
  });
  const table = offsets.map((offset) => `${offset} 00000 n \n`).join('');
  return Buffer.from(
    `${text}xref\n0 4\n0000000000 65535 f \n${table}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`,
  );
}
