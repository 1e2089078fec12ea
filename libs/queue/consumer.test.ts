import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { consume } from '#queue/consumer.ts';
import { defineQueue } from '#queue/contract.ts';
import { correlationId } from '#runtime/correlation.ts';

const contract = defineQueue({
  name: 'letters',
  data: z.strictObject({ letter: z.string().max(1), trace: z.string().optional() }),
  attempts: 1,
  backoff: { type: 'fixed', delayMs: 0 },
});

describe('run', () => {
  it('gives the work the correlation id that the payload carries, or a new one', async () => {
    const ids: (string | undefined)[] = [];
    const consumer = consume(contract, async () => void ids.push(correlationId()));
    await consumer.run({ letter: 'a', trace: 'request-1234' });
    await consumer.run({ letter: 'b' });
    await consumer.run({ letter: 'c' });
    expect(ids[0]).toBe('request-1234');
    expect(ids[1]).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[2]).not.toBe(ids[1]);
  });

  it('refuses a payload that does not fit, and names the place but not the value', async () => {
    let calls = 0;
    const consumer = consume(contract, async () => void (calls += 1));
    const refusal = consumer.run({ letter: 'a secret' });
    await expect(refusal).rejects.toMatchObject({ code: 'job-malformed', retry: 'never' });
    await expect(refusal).rejects.toThrow('letters: data.letter (too_big)');
    await expect(refusal).rejects.not.toThrow('secret');
    expect(calls).toBe(0);
  });

  it.each([
    new Error('timeout exceeded when trying to connect'),
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  ])('does not take a database that is away for a bug: %s', async (fault) => {
    const consumer = consume(contract, () => Promise.reject(fault));
    await expect(consumer.run({ letter: 'a' })).rejects.toMatchObject({ code: 'database-unavailable', retry: 'free' });
  });

  it('passes on the error of the work as it is', async () => {
    const bug = new TypeError('a bug');
    const consumer = consume(contract, () => Promise.reject(bug));
    await expect(consumer.run({ letter: 'a' })).rejects.toBe(bug);
  });
});
