/** An event as Portcullis forwards it. */
export interface ForwardedEvent {
  id: string;
  /** Such as `message.received` or `order.created`. */
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
      if (type !== 'message.received' && type !== 'order.created') return;
      const from = textOf(data['from']) ?? textOf(data['orderId']) ?? 'unknown';
      const ticket = tickets.get(from) ?? { id: `T-${tickets.size + 1}`, from, messages: [] };
      ticket.messages.push({ at: timestamp, text: textOf(data['text']) ?? type });
      tickets.set(from, ticket);
    },
    list: () => [...tickets.values()],
    welcome: (userId) => void staff.add(userId),
    mayUse: (userId, ticketId) => staff.has(userId) && [...tickets.values()].some(({ id }) => id === ticketId),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
