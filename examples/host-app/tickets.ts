/** An event as Portcullis forwards it. */
export interface ForwardedEvent {
  id: string;
  /** Such as `message.received`, `order.created` or `upload.clean`. */
  type: string;
  timestamp: string;
  source: string;
  data: Record<string, unknown>;
}

export interface Ticket {
  id: string;
  /** Who wrote, as the source names them. */
  from: string;
  messages: { at: string; text: string }[];
  attachments: Attachment[];
}

/** A file that was attached, and what Portcullis found. */
export interface Attachment {
  uploadId: string;
  name: string;
  /** `clean`, `infected`, `rejected`, `unscannable`, `scan-failed` or `expired`. */
  status: string;
  version: number;
}

export interface Tickets {
  /** Takes an event once, however often it comes. */
  take(webhookId: string, event: ForwardedEvent): void;
  list(): Ticket[];
  /** Somebody who has signed in works here. */
  welcome(userId: string): void;
  mayUse(userId: string, ticketId: string): boolean;
}

/** Tickets in memory; a real application has a database and keeps the webhook ids there, in the same transaction. */
export function openTickets(): Tickets {
  const tickets = new Map<string, Ticket>();
  const seen = new Set<string>();
  const staff = new Set<string>();

  return {
    take(webhookId, { type, timestamp, data }) {
      if (seen.has(webhookId)) return;
      seen.add(webhookId);
      if (type.startsWith('upload.')) {
        takeVerdict([...tickets.values()], data);
        return;
      }
      if (type !== 'message.received' && type !== 'order.created') return;
      const from = textOf(data['from']) ?? textOf(data['orderId']) ?? 'unknown';
      const ticket = tickets.get(from) ?? { id: `T-${tickets.size + 1}`, from, messages: [], attachments: [] };
      ticket.messages.push({ at: timestamp, text: textOf(data['text']) ?? type });
      tickets.set(from, ticket);
    },
    list: () => [...tickets.values()],
    welcome: (userId) => void staff.add(userId),
    mayUse: (userId, ticketId) => staff.has(userId) && [...tickets.values()].some(({ id }) => id === ticketId),
  };
}

/** Verdicts may come out of their order: of two on one upload the one with the higher version holds. */
function takeVerdict(tickets: readonly Ticket[], data: Record<string, unknown>): void {
  const ticket = tickets.find(({ id }) => id === data['ticketId']);
  const verdict: Attachment = {
    uploadId: String(data['uploadId']),
    name: String(data['originalName']),
    status: String(data['status']),
    version: Number(data['version']),
  };
  const known = ticket?.attachments.find(({ uploadId }) => uploadId === verdict.uploadId);
  if (known === undefined) ticket?.attachments.push(verdict);
  else if (known.version < verdict.version) Object.assign(known, verdict);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
