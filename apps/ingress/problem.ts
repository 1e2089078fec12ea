import type { ErrorRequestHandler, Response } from 'express';
import { isDatabaseUnavailable } from '#database/pool.ts';
import { Failure, isFailure, type FailureCode } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';
import { problems } from './problems.ts';

const DEFAULT_RETRY_AFTER_SECONDS = 5;
const RETRY_AFTER_JITTER_SECONDS = 10;

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** RFC 9457 problem+json for a failure. Every 503 and 429 carries an integer `Retry-After`. */
export function problemOf(failure: Failure, requestId: string, random: () => number = Math.random): ProblemAnswer {
  const { status, title, type, headers } = problems[failure.code];
  return answerOf(status, failure.code, title, {
    requestId,
    type,
    detail: failure.detail,
    headers: { ...headers, ...retryAfterOf(failure, status, random), ...failure.headers },
    members: failure.members,
  });
}

/** What is not a failure is a bug: the caller learns an id, never a message. */
export function bugAnswer(requestId: string): ProblemAnswer {
  return answerOf(500, 'bug', 'Something went wrong here', { requestId });
}

/** The last middleware of an Express app: every error becomes problem+json. */
export function answerProblems(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const requestId = String(response.getHeader('x-request-id') ?? '');
    const failure = failureOf(error);
    if (failure === undefined) log.error({ err: error }, 'a bug in a request');
    const answer = failure === undefined ? bugAnswer(requestId) : problemOf(failure, requestId);
    for (const tell of listenersOf(response)) tell({ code: failure?.code ?? 'bug', status: answer.status });
    response.status(answer.status).set(answer.headers).end(answer.body);
  };
}

/** What a request was refused for. */
interface AnsweredProblem {
  code: FailureCode | 'bug';
  status: number;
}

type ProblemListener = (problem: AnsweredProblem) => void;

/** Tells of the problem that a request is answered with, also where its sender has hung up and no answer is ever finished. */
export function onProblem(response: Response, tell: ProblemListener): void {
  response.locals['onProblem'] = [...listenersOf(response), tell];
}

function listenersOf(response: Response): readonly ProblemListener[] {
  return (response.locals['onProblem'] as ProblemListener[] | undefined) ?? [];
}

function failureOf(error: unknown): Failure | undefined {
  if (isFailure(error)) return error;
  if (isDatabaseUnavailable(error)) return new Failure('database-unavailable', { cause: error });
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  // Errors of Express's own parts (body parser, router, static files).
  if (error.status === 413) return new Failure('too-large', { cause: error });
  if (error.status === 415) return new Failure('content-encoding-unsupported', { cause: error });
  if (error.status === 404) return new Failure('route-unknown', { cause: error });
  if (typeof error.status === 'number' && error.status >= 400 && error.status < 500) {
    return new Failure('request-malformed', { cause: error });
  }
  return undefined;
}

function retryAfterOf(failure: Failure, status: number, random: () => number): Record<string, string> {
  if (failure.retryAfterSeconds !== undefined) return { 'retry-after': String(Math.ceil(failure.retryAfterSeconds)) };
  if (status !== 503) return {};
  const seconds = DEFAULT_RETRY_AFTER_SECONDS + Math.floor(random() * (RETRY_AFTER_JITTER_SECONDS + 1));
  return { 'retry-after': String(seconds) };
}

function answerOf(
  status: number,
  code: string,
  title: string,
  more: {
    requestId: string;
    type?: string | undefined;
    detail?: string | undefined;
    members?: Failure['members'];
    headers?: Record<string, string>;
  },
): ProblemAnswer {
  const { requestId, type = `urn:portcullis:problem:${code}`, detail, members = {}, headers = {} } = more;
  const body = Buffer.from(JSON.stringify({ type, title, status, detail, code, requestId, ...members }));
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'content-length': String(body.length),
      'cache-control': 'no-store',
      ...headers,
    },
    body,
  };
}
