import type { z } from 'zod';
import { describeFailures, failuresOf } from './describe-failures.ts';
import { schemaOf, type JsonSchema } from './json-schema.ts';
import type { Content, Operation, OperationGroup } from './operation.ts';

/** What a segment of a path may be. */
const PATH_PARAMETERS: Record<string, JsonSchema> = {
  id: { type: 'string', format: 'uuid' },
  ticketId: { type: 'string', pattern: String.raw`^[\w\-]{1,64}$` },
  source: { type: 'string', pattern: String.raw`^[a-z][a-z0-9\-]{0,31}$` },
  name: { type: 'string' },
  path: { type: 'string' },
};

/** One operation as it stands under its path. */
export function describeOperation(group: OperationGroup, operation: Operation): JsonSchema {
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
