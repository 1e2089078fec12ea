import { describe, expect, it } from 'vitest';
import { samples } from '#testing/files/samples.ts';
import { defaultPolicy } from '#uploads/file-policy.ts';
import { bytesOf } from '#uploads/inspect/file-bytes.ts';
import { inspectFile } from '#uploads/inspect/inspect-file.ts';

describe('a valid file', () => {
  it('is there for every type that is taken', () => {
    expect(Object.keys(samples).toSorted()).toEqual([...defaultPolicy.keys()].toSorted());
  });

  it.each(Object.entries(samples))('of type %s is accepted', async (extension, { type, content }) => {
    const inspection = await inspectFile(bytesOf(content), { extension, declaredType: type }, defaultPolicy);
    expect(inspection).toMatchObject({ kind: 'accepted', deferred: undefined, warnings: [] });
  });

  const pairs = Object.keys(samples).flatMap((of) => Object.keys(samples).map((as) => [of, as] as const));
  const text = ['txt', 'csv', 'log', 'md', 'json'];
  const same = [['jpg', 'jpeg'], text];
  const foreign = pairs.filter(
    ([of, as]) => of !== as && !same.some((group) => group.includes(of) && group.includes(as)),
  );

  it.each(foreign)('of type %s is refused as %s', async (of, as) => {
    const { content } = samples[of]!;
    const inspection = await inspectFile(bytesOf(content), { extension: as, declaredType: undefined }, defaultPolicy);
    expect(inspection).toMatchObject({ kind: 'refused', status: 'rejected', reason: 'type-mismatch' });
  });
});
