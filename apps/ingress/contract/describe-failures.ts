import type { FailureCode } from '#runtime/failure.ts';
import { statusOf, titleOf } from '../problems.ts';
import type { JsonSchema } from './json-schema.ts';
import type { Operation, OperationGroup } from './operation.ts';

const SHARED: readonly FailureCode[] = [
  'method-unsupported',
  'limit-exceeded',
  'usage-abnormal',
  'capacity-reduced',
  'database-unavailable',
];
const OF_A_CALLER: readonly FailureCode[] = [
  'unauthenticated',
  'token-invalid',
  'authorization-malformed',
  'forbidden',
];
const OF_A_JSON_BODY: readonly FailureCode[] = [
  'request-malformed',
  'body-invalid',
  'content-type-unsupported',
  'content-encoding-unsupported',
  'request-slow',
  'too-large',
];

/** Every failure that an operation may be answered with. */
export function failuresOf(group: OperationGroup, operation: Operation): FailureCode[] {
  const { caller, stepUp, query, body, failures = [] } = operation;
  const codes = new Set(failures);
  if (group.isRouted) {
    for (const code of SHARED) codes.add(code);
    if (caller !== 'anyone') for (const code of OF_A_CALLER) codes.add(code);
    if (stepUp === true) codes.add('step-up-needed');
    if (query !== undefined) codes.add('request-malformed');
    if (body?.schema !== undefined) for (const code of OF_A_JSON_BODY) codes.add(code);
  }
  return [...codes];
}

/** One answer for each status, with the codes that it may carry. */
export function describeFailures(codes: readonly FailureCode[]): Record<string, JsonSchema> {
  const byStatus = Map.groupBy(codes, statusOf);
  return Object.fromEntries(
    [...byStatus].map(([status, alike]) => [
      String(status),
      {
        description: alike.map((code) => `\`${code}\`: ${titleOf(code)}.`).join('\n'),
        content: {
          'application/problem+json': {
            schema: {
              allOf: [
                { $ref: '#/components/schemas/Problem' },
                { type: 'object', properties: { code: { type: 'string', enum: alike } } },
              ],
            },
          },
        },
      },
    ]),
  );
}
