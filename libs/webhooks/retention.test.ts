import { describe, expect, it } from 'vitest';
import { ConfigError } from '#runtime/config.ts';
import { readRetention } from '#webhooks/retention.ts';

it('keeps what a source says, and the default for every other', () => {
  const daysOf = readRetention(30, {
    WEBHOOK_RETENTION_DAYS_WHATSAPP: '8',
    WEBHOOK_RETENTION_DAYS_MY_SHOP: '3650',
    WEBHOOK_RETENTION_DAYS_EMPTY: '',
  });
  expect(['whatsapp', 'my-shop', 'empty', 'other', 'unknown'].map((source) => daysOf(source))).toEqual([
    8, 3_650, 30, 30, 30,
  ]);
});

describe('refuses', () => {
  it.each(['7', '0', '-30', '3651', '30d', '1e2', ' 30'])('%j days', (days) => {
    const read = (): unknown => readRetention(30, { WEBHOOK_RETENTION_DAYS_SHOP: days, WEBHOOK_RETENTION_DAYS_B: '9' });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow('WEBHOOK_RETENTION_DAYS_SHOP: ');
  });
});
