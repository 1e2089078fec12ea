export interface FormRequest {
  url: string;
  headers: Record<string, string>;
  form: FormData;
  onProgress: (sentBytes: number) => void;
  signal: AbortSignal | undefined;
}

export type SendForm = (request: FormRequest) => Promise<Response>;

/** The parts of XMLHttpRequest that are used: only it tells a page how much has been sent. */
interface Sender {
  readonly upload: { addEventListener(type: 'progress', listener: (event: { loaded: number }) => void): void };
  readonly status: number;
  readonly responseText: string;
  addEventListener(type: 'load' | 'error' | 'abort', listener: () => void): void;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getAllResponseHeaders(): string;
  send(form: FormData): void;
  abort(): void;
}

export function openSendForm(page: { XMLHttpRequest?: new () => Sender }): SendForm {
  const { XMLHttpRequest } = page;
  return XMLHttpRequest === undefined ? sendByFetch : (request) => sendBySender(new XMLHttpRequest(), request);
}

/** Without progress in between: Node's fetch does not tell. */
function sendByFetch({ url, headers, form, signal }: FormRequest): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: form, signal: signal ?? null });
}

function sendBySender(sender: Sender, { url, headers, form, onProgress, signal }: FormRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = (): void => sender.abort();
    const on = (type: 'load' | 'error' | 'abort', settle: () => void): void => {
      sender.addEventListener(type, () => {
        signal?.removeEventListener('abort', abort);
        settle();
      });
    };
    signal?.addEventListener('abort', abort, { once: true });
    sender.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
    on('load', () => {
      resolve(new Response(sender.responseText, { status: sender.status, headers: headersOf(sender) }));
    });
    on('error', () => reject(new TypeError('no answer')));
    on('abort', () => reject(signal?.reason ?? new TypeError('no answer')));
    sender.open('POST', url);
    for (const [name, value] of Object.entries(headers)) sender.setRequestHeader(name, value);
    sender.send(form);
  });
}

function headersOf(sender: Sender): Headers {
  const headers = new Headers();
  for (const line of sender.getAllResponseHeaders().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
