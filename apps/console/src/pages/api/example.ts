import type { Call, Schema } from './shapes.ts';
import { schemaOf, typesOf } from './words.ts';

const ID = '01930000-0000-7000-8000-000000000000';
const TIME = '2026-01-31T12:00:00.000Z';

/** A value of the shape; where a text may be anything, its name in angle brackets. */
export function exampleOf(schema: Schema, name = 'text'): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf !== undefined) return exampleOf(schema.anyOf[0] ?? {}, name);
  if (schema.items !== undefined) return [exampleOf(schema.items, name)];
  if (schema.properties !== undefined) {
    return Object.fromEntries(Object.entries(schema.properties).map(([key, of]) => [key, exampleOf(of, key)]));
  }
  const type = [schema.type].flat()[0];
  if (type === 'integer' || type === 'number') return Math.max(schema.minimum ?? 0, 0);
  if (type === 'boolean') return true;
  if (type === 'object') return {};
  if (type === 'null') return null;
  if (schema.format === 'uuid') return ID;
  return schema.format === 'date-time' ? TIME : `<${name}>`;
}

/** The call as a command for a shell. */
export function commandOf(call: Call, server: string): string {
  const { method, path, security, requestBody } = call;
  const schema = schemaOf(requestBody?.content);
  const type = typesOf(requestBody?.content).split(', ')[0];
  const url = server + path.replaceAll(/\{(\w+)\}/g, '<$1>');
  const body =
    schema === undefined
      ? '--data-binary @<file>'
      : `-d '${JSON.stringify(exampleOf(schema)).replaceAll("'", "'\\''")}'`;
  return [
    `curl -X ${method.toUpperCase()} '${url}'`,
    ...(security.length === 0 ? [] : ["-H 'authorization: Bearer <token>'"]),
    ...bodyLines(type, body),
  ].join(' \\\n  ');
}

function bodyLines(type: string | undefined, body: string): string[] {
  if (type === undefined || type === '') return [];
  if (type === 'multipart/form-data') return ['-F file=@<file>'];
  return [`-H 'content-type: ${type === '*/*' ? '<type>' : type}'`, body];
}
