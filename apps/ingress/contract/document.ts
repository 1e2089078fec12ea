import { z } from 'zod';
import { API_SCOPES } from '#access/api-scopes.ts';
import { describeOperation } from './describe-operation.ts';
import { healthOperations, pageOperations, webhookOperations } from './doors.ts';
import { monitoringOperations } from './monitoring.ts';
import { schemaOf, type JsonSchema } from './json-schema.ts';
import type { OperationGroup } from './operation.ts';
import { receiptOperations } from './receipts.ts';
import { sessionOperations } from './sessions.ts';
import { signInOperations } from './sign-in.ts';
import { tokenOperations } from './tokens.ts';
import { uploadOperations } from './uploads.ts';
import { userOperations } from './users.ts';

/** Everything that the ingress answers. */
export const operationGroups: readonly OperationGroup[] = [
  webhookOperations,
  uploadOperations,
  signInOperations,
  sessionOperations,
  userOperations,
  tokenOperations,
  receiptOperations,
  monitoringOperations,
  healthOperations,
  pageOperations,
];

/** The OpenAPI 3.1 document of the ingress that people reach at `origin`. */
export function buildDocument(origin: string): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const group of operationGroups) {
    for (const operation of group.operations) {
      (paths[operation.path] ??= {})[operation.method] = describeOperation(group, operation);
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Portcullis',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Times are ISO 8601 in UTC, durations seconds, ids uuid v7. Unknown keys are refused. A problem is `application/problem+json` (RFC 9457); its `code` says which.',
    },
    servers: [{ url: origin }],
    tags: operationGroups.map(({ tag, about }) => ({ name: tag, description: about })),
    paths,
    components: {
      securitySchemes: {
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Of somebody who signed in.' },
        apiToken: {
          type: 'http',
          scheme: 'bearer',
          description: `Of a program; its scopes are among ${API_SCOPES.join(', ')}.`,
        },
      },
      schemas: { Problem: problemSchema() },
    },
  };
}

function problemSchema(): JsonSchema {
  return schemaOf(
    z.looseObject({
      type: z.string().describe('A URI: `urn:portcullis:problem:` and the code, or one that IANA registers.'),
      title: z.string(),
      status: z.int().min(400).max(599),
      detail: z.string().optional(),
      code: z.string(),
      requestId: z.string(),
    }),
    'output',
  );
}
