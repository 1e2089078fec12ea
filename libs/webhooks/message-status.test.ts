import { describe, expect, it } from 'vitest';
import { advance, statusRank, type MessageStatus } from '#webhooks/message-status.ts';

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

function statesAfterEach(heard: readonly string[]): MessageStatus[] {
  const states: MessageStatus[] = [];
  for (const status of heard) {
    const state = advance(states.at(-1), status);
    if (state !== undefined) states.push(state);
  }
  return states;
}

describe('the ladder of message statuses', () => {
  const orders = permutations(['sent', 'delivered', 'read', 'failed']);

  it('has 24 orders of four statuses to go through', () => {
    expect(new Set(orders.map((order) => order.join())).size).toBe(24);
  });

  it.each(orders)('never steps back and ends in failed: %s, %s, %s, %s', (...order) => {
    const ranks = statesAfterEach(order).map((state) => statusRank[state]);
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(statesAfterEach(order).at(-1)).toBe('failed');
  });

  it.each(permutations(['sent', 'delivered', 'read']))('ends in read without failed: %s, %s, %s', (...order) => {
    expect(statesAfterEach(order).at(-1)).toBe('read');
  });

  it('puts played, which only voice messages know, above read', () => {
    expect(statesAfterEach(['played', 'read']).at(-1)).toBe('played');
  });

  it('stays where it is on a status that it has never heard of', () => {
    expect(advance('delivered', 'teleported')).toBe('delivered');
    expect(advance(undefined, '__proto__')).toBeUndefined();
  });
});
