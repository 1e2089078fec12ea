import { z } from 'zod';
import { API_SCOPES } from '#access/api-scopes.ts';
import type { FailureCode } from '#runtime/failure.ts';
import { statusOf, titleOf } from '../problem.ts';
import { healthOperations, pageOperations, webhookOperations } from './doors.ts';
import { monitoringOperations } from './monitoring.ts';
import type { Content, Operation, OperationGroup } from './operation.ts';
import { receiptOperations } from './receipts.ts';
import { sessionOperations } from './sessions.ts';
import { signInOperations } from './sign-in.ts';
import { tokenOperations } from './tokens.ts';
import { uploadOperations } from './uploads.ts';
import { userOperations } from './users.ts';

export type JsonSchema = Record<string, unknown>;

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

/** What a segment of a path may be. */
const PATH_PARAMETERS: Record<string, JsonSchema> = {
  id: { type: 'string', format: 'uuid' },
  ticketId: { type: 'string', pattern: String.raw`^[\w\-]{1,64}$` },
  source: { type: 'string', pattern: String.raw`^[a-z][a-z0-9\-]{0,31}$` },
  name: { type: 'string' },
  path: { type: 'string' },
};

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

function describeOperation(group: OperationGroup, operation: Operation): JsonSchema {
  const { id, summary, caller, scope, stepUp, body, answers } = operation;
  const parameters = parametersOf(operation);
  return {
    operationId: id,
    tags: [group.tag],
    summary,
    ...(stepUp === true ? { description: 'Needs a fresh sign-in where STEP_UP_MINUTES asks for it.' } : {}),
    ...(caller === 'admin' ? { 'x-roles': ['admin'] } : {}),
    security: caller === 'anyone' ? [] : [{ accessToken: [] }, ...(scope === undefined ? [] : [{ apiToken: [scope] }])],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { description: body.about, required: true, content: contentOf(body, 'input') } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)])),
      ...describeFailures(failuresOf(group, operation)),
    },
  };
}

function parametersOf({ path, query, fields = {} }: Operation): JsonSchema[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name));
  const { properties = {}, required = [] } = querySchemaOf(query);
  return [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: PATH_PARAMETERS[name] })),
    ...Object.entries(properties).map(([name, schema]) => ({
      name,
      in: 'query',
      required: required.includes(name),
      schema,
    })),
    ...Object.entries(fields)
      // OpenAPI 3.1 §4.8.12.1: a parameter named Authorization is ignored.
      .filter(([name]) => name !== 'authorization')
      .map(([name, description]) => ({ name, in: 'header', description, schema: { type: 'string' } })),
  ];
}

function querySchemaOf(query: z.ZodType | undefined): QuerySchema {
  return query === undefined ? {} : schemaOf(query, 'input');
}

interface QuerySchema {
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

function describeAnswer(answer: Content): JsonSchema {
  const { about, headers = [] } = answer;
  const content = contentOf(answer, 'output');
  return {
    description: about,
    ...(headers.length === 0
      ? {}
      : { headers: Object.fromEntries(headers.map((name) => [name, { schema: { type: 'string' } }])) }),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

function contentOf({ schema, types }: Content, io: 'input' | 'output'): JsonSchema {
  if (schema === undefined) return Object.fromEntries((types ?? []).map((type) => [type, {}]));
  const described = { schema: schemaOf(schema, io) };
  return Object.fromEntries((types ?? ['application/json']).map((type) => [type, described]));
}

/** One answer for each status, with the codes that it may carry. */
function describeFailures(codes: readonly FailureCode[]): Record<string, JsonSchema> {
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

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io }) as JsonSchema;
  return described;
}
