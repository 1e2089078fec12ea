import { describe, expect, it } from 'vitest';
import { judge } from '#redis/inspect.ts';

describe('judge', () => {
  it.each([
    ['a Redis made for jobs', { maxmemoryPolicy: 'noeviction', save: '', isAppendOnly: true }, []],
    ['eviction', { maxmemoryPolicy: 'allkeys-lru', save: '', isAppendOnly: true }, [/maxmemory-policy is allkeys-lru/]],
    ['no persistence', { maxmemoryPolicy: 'noeviction', save: '', isAppendOnly: false }, [/persistence is off/]],
    ['snapshots only', { maxmemoryPolicy: 'noeviction', save: '3600 1', isAppendOnly: false }, [/last snapshot/]],
    ['a refused CONFIG', { maxmemoryPolicy: 'noeviction', isAppendOnly: false }, [/appendonly is off/]],
    ['a Redis that tells nothing', {}, [/policy is unknown/, /persistence is unknown/]],
  ])('says what is wrong with %s', (_, facts, expected) => {
    const warnings = judge(facts);
    expect(warnings).toHaveLength(expected.length);
    expected.forEach((pattern, index) => expect(warnings[index]).toMatch(pattern));
  });
});
