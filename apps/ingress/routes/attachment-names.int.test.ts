import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasClamd, openTestClamd } from '#testing/clamd.ts';
import { rawRequest } from '#testing/raw-request.ts';
import { sample } from '#testing/files/samples.ts';
import { multipart, send, upload, verdictOf, type HttpAnswer, type Part } from '#testing/upload-client.ts';
import { OWNER, type UploadSystem } from '#testing/upload-core.ts';
import { openUploadSystem } from '#testing/upload-system.ts';
import type { LocalClamd } from '#uploads/local-clamd.ts';

interface Row {
  id: string;
  what: string;
  filename?: string | Buffer;
  disposition?: string;
  content?: Buffer | string;
  type?: string;
  /** The refusal's status and code, or the name that is stored and served. */
  answer: [status: number, code: string] | { name: string } | { status: string; reason: string };
}

const NOT_ALLOWED: [number, string] = [415, 'type-not-allowed'];
const MALFORMED: [number, string] = [400, 'malformed-multipart'];
const NAMELESS: [number, string] = [400, 'filename-missing'];
const long = 'n'.repeat(300);

const rows: Row[] = [
  { id: '1', what: 'a second extension', filename: 'a.jpg.exe', answer: NOT_ALLOWED },
  {
    id: '2a',
    what: 'a script extension before the last',
    filename: 'shell.php.jpg',
    answer: { name: 'shell.php.jpg' },
  },
  {
    id: '2b',
    what: 'the same with PHP inside',
    filename: 'shell.php.jpg',
    content: '<?php system($_GET[0]);',
    answer: { status: 'rejected', reason: 'type-mismatch' },
  },
  { id: '3', what: 'an encoded NUL', filename: 'a.php%00.jpg', answer: { name: 'a.php%00.jpg' } },
  { id: '4', what: 'a real NUL', filename: 'a.php\0.jpg', answer: MALFORMED },
  { id: '5a', what: 'only dots', filename: '..', answer: NAMELESS },
  { id: '5b', what: 'a path upwards', filename: '../../etc/passwd', answer: NOT_ALLOWED },
  { id: '5c', what: 'a Windows path upwards', filename: String.raw`..\\..\\boot.ini`, answer: NOT_ALLOWED },
  { id: '5d', what: 'an absolute path', filename: '/etc/passwd', answer: NOT_ALLOWED },
  { id: '5e', what: 'a drive', filename: String.raw`C:\\x\\y.png`, answer: { name: 'y.png' } },
  { id: '5f', what: 'an absolute path of an image', filename: '/abs/path.png', answer: { name: 'path.png' } },
  { id: '5f', what: 'a relative path of an image', filename: 'a/b.png', answer: { name: 'b.png' } },
  { id: '6', what: 'an encoded path', filename: '%2e%2e%2fx.png', answer: { name: '%2e%2e%2fx.png' } },
  { id: '7a', what: 'a right-to-left override', filename: '\u202Egnp.exe', answer: NOT_ALLOWED },
  { id: '7b', what: 'the same before an image', filename: 'cod\u202Egpj.png', answer: { name: 'codgpj.png' } },
  { id: '8a', what: 'a decomposed letter', filename: 'cafe\u0301.pdf', answer: { name: 'caf\u00e9.pdf' } },
  { id: '8a', what: 'a composed letter', filename: 'caf\u00e9.pdf', answer: { name: 'caf\u00e9.pdf' } },
  { id: '8b', what: 'a full-width extension', filename: 'shell．ｐｈｐ', answer: NOT_ALLOWED },
  { id: '8c', what: 'a Cyrillic look-alike', filename: 'x.рng', answer: NOT_ALLOWED },
  {
    id: '9a',
    what: 'an overlong slash',
    filename: Buffer.concat([Buffer.from('a'), Buffer.from('c0af', 'hex'), Buffer.from('b.png')]),
    answer: { name: 'a__b.png' },
  },
  {
    id: '9b',
    what: 'invalid bytes',
    filename: Buffer.concat([Buffer.from('a'), Buffer.from('ff', 'hex'), Buffer.from('.png')]),
    answer: { name: 'a_.png' },
  },
  { id: '10a', what: 'a device', filename: 'CON.txt', answer: { name: '_CON.txt' } },
  { id: '10b', what: 'another device', filename: 'aux.pdf', answer: { name: '_aux.pdf' } },
  { id: '10c', what: 'a bare device', filename: 'NUL', answer: NOT_ALLOWED },
  { id: '10d', what: 'a numbered device', filename: 'COM1', answer: NOT_ALLOWED },
  { id: '11a', what: '300 characters', filename: `${long}.png`, answer: { name: `${'n'.repeat(196)}.png` } },
  {
    id: '11b',
    what: '5,000 characters',
    filename: `${'é'.repeat(5_000)}.png`,
    answer: { name: `${'é'.repeat(98)}.png` },
  },
  { id: '11c', what: 'more than a header may hold', filename: `${'n'.repeat(20_000)}.png`, answer: MALFORMED },
  { id: '12a', what: 'a server configuration', filename: '.htaccess', answer: NOT_ALLOWED },
  { id: '12b', what: 'an environment file', filename: '.env', answer: NOT_ALLOWED },
  { id: '13a', what: 'a dot at the end', filename: 'x.exe.', answer: NOT_ALLOWED },
  { id: '13b', what: 'a space at the end', filename: 'x.png ', answer: { name: 'x.png' } },
  { id: '13c', what: 'spaces before the dot', filename: '  .exe', answer: NOT_ALLOWED },
  { id: '14a', what: 'an alternate data stream', filename: 'x.png::$DATA', answer: NOT_ALLOWED },
  { id: '14b', what: 'a colon', filename: 'a:b.png', answer: { name: 'a_b.png' } },
  {
    id: '15a',
    what: 'an encoded line break',
    filename: 'x%0d%0aSet-Cookie: a.png',
    answer: { name: 'x%0d%0aSet-Cookie_ a.png' },
  },
  { id: '15b', what: 'a real line break', filename: 'x\r\ny.png', answer: MALFORMED },
  {
    id: '16a',
    what: 'two names',
    disposition: 'Content-Disposition: form-data; name="file"; filename="x.png"; filename="evil.exe"',
    answer: NOT_ALLOWED,
  },
  { id: '16b', what: 'a forged second name', filename: 'x%22; filename=%22evil.exe', answer: NOT_ALLOWED },
  {
    id: '17',
    what: 'an extended name that says otherwise',
    disposition: 'Content-Disposition: form-data; name="file"; filename="a.png"; filename*=UTF-8\'\'..%2f..%2fb.exe',
    answer: NOT_ALLOWED,
  },
  {
    id: '18',
    what: 'markup',
    filename: '<img onerror=alert(1)>.png',
    answer: { name: '<img onerror=alert(1)>.png' },
  },
  { id: '19a', what: 'an empty name', filename: '', answer: NAMELESS },
  { id: '19b', what: 'no name', answer: NAMELESS },
  { id: '20', what: 'UTF-8', filename: 'café.pdf', answer: { name: 'café.pdf' } },
  { id: '21a', what: 'an option', filename: '-rf.png', answer: { name: '-rf.png' } },
  { id: '21b', what: 'a pattern', filename: '*?[x].png', answer: { name: '*?[x].png' } },
  { id: '22a', what: 'emoji with joiners', filename: '👩\u200d🚀.png', answer: { name: '👩🚀.png' } },
  {
    id: '22b',
    what: '200 combining marks',
    filename: `q${'\u0323'.repeat(200)}.png`,
    answer: { name: `q${'\u0323'.repeat(97)}.png` },
  },
];

describe.skipIf(!hasClamd)('the name of an upload', () => {
  let clamd: LocalClamd;
  let system: UploadSystem;
  beforeAll(async () => {
    clamd = await openTestClamd();
    system = await openUploadSystem({ clamd: clamd.address });
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await clamd?.[Symbol.asyncDispose]();
  });

  it.each(rows)('$id: $what', async ({ filename, disposition, content, type, answer }) => {
    const extension = 'name' in answer ? answer.name.split('.').at(-1)! : 'png';
    const outcome = await outcomeOf({
      type: type ?? sample(extension).type,
      content: content ?? sample(extension).content,
      ...(filename === undefined ? {} : { filename }),
      ...(disposition === undefined ? {} : { disposition }),
    });
    expect(outcome).toEqual('name' in answer ? { status: 'clean', name: answer.name, servedAs: answer.name } : answer);
    expect(system.files().quarantine).toEqual([]);
  });

  async function outcomeOf(part: Part): Promise<unknown> {
    const accepted = await upload(system.origin, part);
    if (accepted.status !== 202) return [accepted.status, accepted.json.code];
    const { json } = await verdictOf(system.origin, accepted.json.id);
    await system.settled();
    if (json.status !== 'clean') return { status: json.status, reason: json.reason };
    // Row 72: every name that is stored is served, in one header without control and bidi characters.
    const served = await send(system.origin, `/api/uploads/${json.id}/content`);
    return { status: json.status, name: json.originalName, servedAs: nameIn(served) };
  }

  it('never takes part in a path', () => {
    const { clean, quarantine } = system.files();
    for (const name of [...clean, ...quarantine]) expect(name).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['an extended name', "attachment; filename=a.exe; filename*=UTF-8''caf%C3%A9.txt", [202, 'café.txt']],
    ['no name', 'attachment', [400, 'filename-missing']],
    ['no header', undefined, [400, 'filename-missing']],
    ['a type that is not taken', 'attachment; filename="a.exe"', [415, 'type-not-allowed']],
    ['two names', 'attachment; filename="a.txt"; filename="b.exe"', [415, 'type-not-allowed']],
  ] as const)('of a raw body: %s', async (_, disposition, answer) => {
    const { body } = multipart([]);
    const accepted = await send(system.origin, '/api/attachments/t', {
      body,
      headers: {
        'content-type': 'text/plain',
        ...(disposition === undefined ? {} : { 'content-disposition': disposition }),
      },
    });
    expect([accepted.status, accepted.json.code ?? accepted.json.originalName]).toEqual(answer);
  });

  it('of a raw body may be UTF-8', async () => {
    const request = [
      'POST /api/attachments/t HTTP/1.1',
      'Host: x',
      `X-Caller: ${OWNER}`,
      'Content-Type: text/plain',
      'Content-Disposition: attachment; filename="café.txt"',
      'Content-Length: 2',
      '',
      'hi',
    ];
    const answer = await rawRequest(system.port, request.join('\r\n'));
    expect(answer).toContain(Buffer.from('"originalName":"café.txt"').toString('latin1'));
  });
});

/** The name as RFC 6266 §4.3 has a client read it. */
function nameIn({ headers }: HttpAnswer): string | undefined {
  const header = String(headers['content-disposition']);
  const form = /^attachment; filename="([\x20-\x7e]*)"(?:; filename\*=UTF-8''([!#$&+.^_`|~0-9A-Za-z%-]*))?$/;
  const [, plain, extended] = form.exec(header) ?? [];
  return headers['set-cookie'] === undefined && extended !== undefined ? decodeURIComponent(extended) : plain;
}
