import { expect, it } from 'vitest';
import { repository } from '#testing/repository.ts';
import { providerNames, providers } from '#webhooks/providers.ts';

const head = `# Providers

What each kind of sender is verified by. Names are those of \`WEBHOOK_SOURCES\`; \`WEBHOOK_KEY_ENCODING_<S>\` and
\`WEBHOOK_OUTAGE_<S>\` change the last two columns for one source.

| provider | signed with | copies are recognised by | its secret is | while PostgreSQL is away |
| --- | --- | --- | --- | --- |
`;

function rowOf(name: (typeof providerNames)[number]): string {
  const { words, keyEncoding, outage } = providers[name];
  return `| ${name} | ${words.signature} | ${words.copies} | ${keyEncoding} | ${outage}: ${words.afterwards} |\n`;
}

// Written anew with: npm test -- libs/testing/providers-page.test.ts --update
it('docs/providers.md says of every provider what its file says', async () => {
  await expect(head + providerNames.map(rowOf).join('')).toMatchFileSnapshot(`${repository}/docs/providers.md`);
});
