import { createClient } from '../../../libs/client/create-client.ts';
import { ClientProblem } from '../../../libs/client/problem.ts';
import type { Ticket } from '../tickets.ts';

declare const INGRESS_URL: string;

const POLL_MS = 2_000;

/** Signs in at Portcullis; the token may go to this application's own API too. */
const client = createClient({ baseUrl: INGRESS_URL, mode: 'cookie', origins: [location.origin] });

const element = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
};
const form = element('sign-in') as HTMLFormElement;
const notice = element('notice');
const list = element('tickets');
const signOut = element('sign-out');

/** Files on their way, by ticket, until the application knows of their verdicts. */
const sending = new Map<string, { uploadId: string | undefined; item: HTMLLIElement }[]>();

function show(isSignedIn: boolean, text = ''): void {
  form.hidden = isSignedIn;
  list.hidden = !isSignedIn;
  signOut.hidden = !isSignedIn;
  notice.textContent = text;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { email = '', password = '' } = Object.fromEntries(new FormData(form)) as Record<string, string>;
  client
    .login({ email, password })
    .then(() => refresh())
    .catch((error: unknown) => show(false, error instanceof Error ? error.message : 'failed'));
});
signOut.addEventListener('click', () => void client.logout().catch((error: Error) => show(false, error.message)));
client.on('signed-out', ({ reason }) => show(false, `Signed out: ${reason}`));
client.on('signed-in', () => void refresh());

async function refresh(): Promise<void> {
  try {
    const response = await client.fetch(`${location.origin}/api/tickets`);
    const { items } = (await response.json()) as { items: Ticket[] };
    show(true, items.length === 0 ? 'No tickets yet.' : '');
    for (const ticket of items) {
      const article = articleOf(ticket.id) ?? newArticle(ticket);
      article.querySelector('ul')?.replaceChildren(...ticket.messages.map(({ text }) => itemOf(text)));
      article.querySelector('ol')?.replaceChildren(...attachmentsOf(ticket));
    }
  } catch (error) {
    if (error instanceof ClientProblem && error.code === 'signed-out') show(false);
  }
}

/** What was attached in this page, and then what the application was told of everyone's files. */
function attachmentsOf({ id, attachments }: Ticket): HTMLLIElement[] {
  const mine = sending.get(id) ?? [];
  return [
    ...attachments.map(({ name, status }) => itemOf(`${name}: ${status}`)),
    ...mine.filter(({ uploadId }) => !attachments.some((each) => each.uploadId === uploadId)).map(({ item }) => item),
  ];
}

function articleOf(ticketId: string): HTMLElement | null {
  return document.getElementById(`ticket-${ticketId}`);
}

function itemOf(text: string): HTMLLIElement {
  const item = document.createElement('li');
  item.textContent = text;
  return item;
}

/** A ticket with its messages, and where files are attached to it. */
function newArticle({ id, from }: Ticket): HTMLElement {
  const article = document.createElement('article');
  article.id = `ticket-${id}`;
  const title = document.createElement('h2');
  title.textContent = `${id} from ${from}`;
  const messages = document.createElement('ul');
  const attachments = document.createElement('ol');
  const label = document.createElement('label');
  label.textContent = `Attach to ${id} `;
  const input = document.createElement('input');
  input.type = 'file';
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (file !== undefined) void attach(id, file, attachments);
  });
  label.append(input);
  article.append(title, messages, attachments, label);
  list.append(article);
  return article;
}

async function attach(ticketId: string, file: File, attachments: HTMLElement): Promise<void> {
  const item = itemOf(`${file.name}: sending`);
  attachments.append(item);
  const mine: { uploadId: string | undefined; item: HTMLLIElement } = { uploadId: undefined, item };
  sending.set(ticketId, [...(sending.get(ticketId) ?? []), mine]);
  try {
    const { id } = await client.upload(file, { ticketId });
    mine.uploadId = id;
    const { status } = await client.waitForVerdict(id, {
      onChange: (state) => {
        item.textContent = `${file.name}: ${state.status}`;
      },
    });
    item.textContent = `${file.name}: ${status}`;
  } catch (error) {
    item.textContent = `${file.name}: ${error instanceof ClientProblem ? error.code : 'failed'}`;
  }
}

setInterval(() => {
  if (!list.hidden) void refresh();
}, POLL_MS);
void refresh();
