/** How far an outgoing message has come. */
export type MessageStatus = 'pending' | 'sent' | 'delivered' | 'read' | 'played' | 'failed';

/** Statuses only move up this ladder, whatever order they arrive in; `failed` is final. */
export const statusRank: Record<MessageStatus, number> = {
  pending: 0,
  sent: 1,
  delivered: 2,
  read: 3,
  played: 4,
  failed: 5,
};

export function isMessageStatus(text: string): text is MessageStatus {
  return Object.hasOwn(statusRank, text);
}

/** Where a message stands after one more status was heard; a status never seen before changes nothing. */
export function advance(current: MessageStatus | undefined, heard: string): MessageStatus | undefined {
  if (!isMessageStatus(heard)) return current;
  return current === undefined || statusRank[heard] > statusRank[current] ? heard : current;
}
