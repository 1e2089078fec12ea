import type { Call, Content, Schema } from './shapes.ts';

const FORMATS: Record<string, string> = { uuid: 'id', 'date-time': 'time' };
const TYPES: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
};

/** What a value may be, in a few words. */
export function typeWords(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeWords))].join(' or ');
  if (schema.items !== undefined) return `list of ${typeWords(schema.items)}`;
  if (schema.format !== undefined) return FORMATS[schema.format] ?? schema.format;
  const types = [schema.type ?? 'anything'].flat();
  return types.map((type) => TYPES[type] ?? type).join(' or ');
}

/** Its bounds and what else is said of it. */
export function noteWords({ description, default: initial, minLength, maxLength, minimum, maximum }: Schema): string {
  const isLow = minimum !== undefined && minimum > 0;
  const isHigh = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return [
    description,
    minLength !== undefined && minLength > 1 ? `at least ${minLength} characters` : undefined,
    maxLength === undefined ? undefined : `at most ${maxLength} characters`,
    isLow ? `at least ${minimum}` : undefined,
    isHigh ? `at most ${maximum}` : undefined,
    initial === undefined ? undefined : `${JSON.stringify(initial)} by default`,
  ]
    .filter((part) => part !== undefined)
    .join('; ');
}

/** Who may make a call. */
export function callerWords({ security, 'x-roles': roles = [], description }: Call): string {
  if (security.length === 0) return 'Anyone.';
  const scopes = security.flatMap(({ apiToken = [] }) => apiToken);
  const people = roles.length === 0 ? 'Whoever is signed in' : `Signed in as ${roles.join(' or ')}`;
  const programs = scopes.length === 0 ? '' : `, or an API token with ${scopes.join(', ')}`;
  return `${people}${programs}.${description === undefined ? '' : ` ${description}`}`;
}

/** The schema of what is sent or answered, where it is JSON. */
export function schemaOf(content: Content | undefined): Schema | undefined {
  return Object.values(content ?? {}).find(({ schema }) => schema !== undefined)?.schema;
}

export function typesOf(content: Content | undefined): string {
  return Object.keys(content ?? {}).join(', ');
}
