import { Failure } from '#runtime/failure.ts';
import { url } from '#runtime/config.ts';

export const ticketSettings = {
  /** The host application, asked whether a user may use a ticket; unset: every signed-in user may. */
  TICKET_CHECK_URL: url('http', 'https').optional(),
};

const LIMIT_MS = 2_000;
const TICKET = /^[\w-]{1,64}$/;

/** Whether a user may attach files to a ticket, and read them. */
export type AuthoriseAttachment = (userId: string, ticketId: string) => Promise<boolean>;

export function isTicketId(text: string): boolean {
  return TICKET.test(text);
}

/**
 * Asks the host application with POST `{ userId, ticketId }`: 200 is yes, every other answer is no.
 * @throws Failure `ticket-unchecked` if it gives none within 2 s or fails (5xx): not yes, and not a final no.
 */
export function openTicketCheck(checkUrl: string | undefined): AuthoriseAttachment {
  if (checkUrl === undefined) return async () => true;
  return async (userId, ticketId) => {
    const response = await ask(checkUrl, { userId, ticketId });
    await response.body?.cancel();
    if (response.status >= 500) throw new Failure('ticket-unchecked', { detail: `answered ${response.status}` });
    return response.status === 200;
  };
}

async function ask(checkUrl: string, body: { userId: string; ticketId: string }): Promise<Response> {
  try {
    return await fetch(checkUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMIT_MS),
    });
  } catch (error) {
    throw new Failure('ticket-unchecked', { cause: error });
  }
}
