import { receiptDraft } from '#testing/receipt-draft.ts';
import { openSpool } from '#webhooks/spool/spool.ts';

/** A process that spools receipts without end, each body `<round>-<n>`, and tells which are acknowledged. */
const [root = '', round = '0'] = process.argv.slice(2);
const spool = await openSpool({ root, maxBytes: 256 * 1024 * 1024 });
process.once('disconnect', () => process.exit(0));
const lanes = 8;
let next = 0;
async function write(): Promise<never> {
  for (;;) {
    const body = `${round}-${next++}`;
    await spool.add(receiptDraft(body), 10_000);
    process.send?.(body);
  }
}
await Promise.all(Array.from({ length: lanes }, write));
