import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { encodeFrame, frameBytes, readSegment, SEGMENT_HEADER_BYTES, segmentHeader } from '#webhooks/spool/frame.ts';

const marker = randomBytes(16);
const drafts = [
  receiptDraft(Buffer.from([0, 255, 10, 13]), { headers: { 'x-signature': 'v1,é"\\', ':path': '/a?b=c' } }),
  receiptDraft('', {
    dedupeKey: undefined,
    sha256: undefined,
    body: undefined,
    secretLabel: undefined,
    verdict: 'ping',
  }),
  receiptDraft('', { textId: 'an-id' }),
  receiptDraft(randomBytes(700), { source: 'shop', receivedAtMs: 1_700_000_000_123 }),
];
const frames = drafts.map((draft) => Buffer.concat(encodeFrame(marker, draft)));
const whole = Buffer.concat([segmentHeader(marker), ...frames]);
/** Where each frame ends. */
const ends = frames.map((_, index) => SEGMENT_HEADER_BYTES + Buffer.concat(frames.slice(0, index + 1)).length);

it('reads what was written, body bytes and all', () => {
  expect(readSegment(whole)).toEqual({ drafts, tornBytes: 0, damagedBytes: 0 });
});

it('needs no more bytes than it says beforehand', () => {
  for (const [index, draft] of drafts.entries()) expect(frames[index]!.length).toBeLessThanOrEqual(frameBytes(draft));
});

it('reads every whole frame, and no other, of a file that was cut off at any byte', () => {
  for (let length = 0; length <= whole.length; length += 1) {
    const read = readSegment(whole.subarray(0, length));
    const count = ends.filter((end) => end <= length).length;
    expect(read.drafts.map(({ id }) => id)).toEqual(drafts.slice(0, count).map(({ id }) => id));
    const lastEnd = ends[count - 1] ?? (length < SEGMENT_HEADER_BYTES ? 0 : SEGMENT_HEADER_BYTES);
    expect(read).toMatchObject({ tornBytes: length - lastEnd, damagedBytes: 0 });
  }
});

it('loses one frame to a wrong byte, wherever it is, and finds the next', () => {
  for (let at = SEGMENT_HEADER_BYTES; at < whole.length; at += 1) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 0x10;
    const hit = ends.findIndex((end) => at < end);
    const read = readSegment(bytes);
    expect(read.drafts.map(({ id }) => id)).toEqual(drafts.filter((_, n) => n !== hit).map(({ id }) => id));
    expect(read.damagedBytes + read.tornBytes).toBe(frames[hit]!.length);
  }
});

describe('a frame that a sender has put into a body', () => {
  const forged = receiptDraft('forged');

  it('is no receipt, even where the frame around it is damaged', () => {
    const body = Buffer.concat([segmentHeader(randomBytes(16)), ...encodeFrame(randomBytes(16), forged)]);
    const bytes = Buffer.concat([segmentHeader(marker), ...encodeFrame(marker, receiptDraft(body)), frames[0]!]);
    bytes[SEGMENT_HEADER_BYTES + 30]! ^= 1;
    expect(readSegment(bytes).drafts.map(({ id }) => id)).toEqual([drafts[0]!.id]);
  });
});

it.each([Buffer.alloc(0), Buffer.from('something else entirely, and longer than a header')])(
  'finds nothing in a file of another kind',
  (bytes) => {
    expect(readSegment(bytes)).toEqual({ drafts: [], tornBytes: bytes.length, damagedBytes: 0 });
  },
);
