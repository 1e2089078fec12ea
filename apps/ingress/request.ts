import express, { type Request, type RequestHandler } from 'express';
import type { z } from 'zod';
import { Failure } from '#runtime/failure.ts';

const MAX_JSON_BYTES = 64 * 1024;

const BODY_LIMIT_MS = 10_000;
/** RFC 8259 §8.1: JSON between systems is UTF-8. */
const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;

/**
 * Reads a JSON body: another content type is 415, malformed JSON 400, an encoded body 415, one that takes too long 408.
 * Mount it on the routes that take one.
 */
export function readJson(limitBytes = MAX_JSON_BYTES, limitMs = BODY_LIMIT_MS): RequestHandler {
  const parse = withDeadline(
    express.json({ limit: limitBytes, strict: true, inflate: false, type: 'application/json' }),
    limitMs,
  );
  return (request, response, next) => {
    if (JSON_TYPE.test(request.headers['content-type'] ?? '')) void parse(request, response, next);
    else next(new Failure('content-type-unsupported', { detail: 'send application/json' }));
  };
}

/** Reads a body of one of these types as text. Mount it on the routes that take one. */
export function readText(types: readonly string[], limitBytes: number, limitMs = BODY_LIMIT_MS): RequestHandler {
  const parse = express.text({ limit: limitBytes, inflate: false, type: [...types] });
  return (request, response, next) => {
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (types.includes(type)) withDeadline(parse, limitMs)(request, response, next);
    else next(new Failure('content-type-unsupported', { detail: `send ${types.join(' or ')}` }));
  };
}

/** A body that takes too long is 408. */
function withDeadline(parse: RequestHandler, limitMs: number): RequestHandler {
  return (request, response, next) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      // The rest of the body would be taken for the next request.
      response.set('connection', 'close');
      next(new Failure('request-slow'));
    }, limitMs);
    void parse(request, response, (error?: unknown) => {
      clearTimeout(timer);
      if (!isLate) next(error);
    });
  };
}

/**
 * The request's body in the shape of `schema`; unknown keys are refused where the schema is strict.
 * @throws Failure `body-invalid`, naming the fields and never their values.
 */
export function bodyOf<T>(schema: z.ZodType<T>, request: Request): T {
  return parsed(schema, request.body, 'body-invalid');
}

/** @throws Failure `request-malformed`. */
export function queryOf<T>(schema: z.ZodType<T>, request: Request): T {
  return parsed(schema, request.query, 'request-malformed');
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, code: 'body-invalid' | 'request-malformed'): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const detail = result.error.issues
    .slice(0, 8)
    .map((issue) => `${issue.path.join('.') || '(whole)'}: ${issue.message}`)
    .join('; ');
  throw new Failure(code, { detail });
}
