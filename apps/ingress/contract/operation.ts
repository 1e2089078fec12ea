import type { z } from 'zod';
import type { ApiScope } from '#access/api-scopes.ts';
import type { FailureCode } from '#runtime/failure.ts';

/** What is answered when all goes well, or is asked for: JSON in the shape of `schema`, or another type of content. */
export interface Content {
  about: string;
  schema?: z.ZodType;
  /** Of the content that is no JSON; several where any of them will do. */
  types?: readonly string[];
  /** Fields that are always there. */
  headers?: readonly string[];
}

/** One method of one path, as clients see it. */
export interface Operation {
  id: string;
  method: 'get' | 'post' | 'patch' | 'delete';
  /** With its parameters as `{name}`. */
  path: string;
  summary: string;
  caller: 'anyone' | 'signed-in' | 'admin';
  /** The scope that lets an API token in. */
  scope?: ApiScope;
  /** Whether the sign-in must be fresh, where STEP_UP_MINUTES asks for it. */
  stepUp?: boolean;
  query?: z.ZodType;
  /** Request fields that mean something here, and what. */
  fields?: Readonly<Record<string, string>>;
  body?: Content;
  answers: Readonly<Record<number, Content>>;
  /** What it fails with beside what every such operation may fail with. */
  failures?: readonly FailureCode[];
}

export interface OperationGroup {
  tag: string;
  about: string;
  /** Whether Express answers: then the failures that all its routes share go without saying. */
  isRouted: boolean;
  operations: readonly Operation[];
}
