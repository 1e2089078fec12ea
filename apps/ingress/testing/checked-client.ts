import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonSchema } from '../contract/json-schema.ts';
import type { Answer, SendRequest } from './people.ts';

interface Described {
  operationId: string;
  responses: Record<string, { headers?: Record<string, unknown>; content?: Record<string, { schema?: JsonSchema }> }>;
}

export interface ApiDocument {
  paths: Record<string, Record<string, Described>>;
  components: JsonSchema;
}

/** Compiles a schema of the document, strictly: a keyword that JSON Schema does not know is an error. */
export function openCompiler({ components }: ApiDocument): (schema: JsonSchema) => ValidateFunction {
  const ajv = new Ajv2020({ allowUnionTypes: true, allErrors: true, formats: { 'date-time': true, uuid: true } });
  ajv.addVocabulary(['components']);
  return (schema) => ajv.compile({ ...schema, components });
}

/** A client that lets no answer pass which the document does not describe, and notes what it has seen. */
export function openCheckedClient(document: ApiDocument, send: SendRequest, seen: Set<string>): SendRequest {
  const compile = openCompiler(document);
  return async (path, options) => {
    const answer = await send(path, options);
    const method = (options?.method ?? (options?.body === undefined ? 'GET' : 'POST')).toLowerCase();
    const operation = operationOf(document, method, path.split('?', 1)[0] ?? '');
    const response = operation?.responses[answer.status];
    const what = `${method} ${path}: ${answer.status} ${answer.text.slice(0, 400)}`;
    if (operation === undefined || response === undefined) throw new Error(`not described: ${what}`);
    const missing = Object.keys(response.headers ?? {}).filter((name) => !answer.headers.has(name));
    if (missing.length > 0) throw new Error(`without ${missing.join(', ')}: ${what}`);
    const fault = faultIn(answer, response.content ?? {}, compile);
    if (fault !== undefined) throw new Error(`${fault}: ${what}`);
    seen.add(`${operation.operationId} ${answer.status}`);
    return answer;
  };
}

function operationOf({ paths }: ApiDocument, method: string, path: string): Described | undefined {
  const exact = paths[path]?.[method];
  if (exact !== undefined) return exact;
  return Object.entries(paths).find(
    ([template, operations]) =>
      operations[method] !== undefined && new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  )?.[1][method];
}

function faultIn(
  { text, body, headers }: Answer,
  content: Record<string, { schema?: JsonSchema }>,
  compile: (schema: JsonSchema) => ValidateFunction,
): string | undefined {
  if (text === '') return undefined;
  const type = headers.get('content-type')?.split(';', 1)[0] ?? '';
  const described = content[type] ?? content['*/*'];
  if (described === undefined) return `${type} is not described`;
  if (described.schema === undefined) return undefined;
  const validate = compile(described.schema);
  return validate(body) ? undefined : JSON.stringify(validate.errors);
}
