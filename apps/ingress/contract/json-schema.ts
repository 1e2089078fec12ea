import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** A zod schema as OpenAPI wants it: of what is sent (`input`), or of what is answered. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io }) as JsonSchema;
  return described;
}
