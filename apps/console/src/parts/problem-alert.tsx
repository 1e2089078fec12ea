import { Alert, Button, Stack, Text } from '@mantine/core';
import { ClientProblem } from '#client/problem.ts';

const IN_WORDS: Record<string, string> = {
  unreachable: 'The server can not be reached. Check your connection.',
  'refresh-delayed': 'The server could not renew your sign-in just now. You are still signed in.',
  'signed-out': 'You are signed out.',
  'person-changed': 'Somebody else has signed in in another tab.',
  'login-failed': 'E-mail address or password is wrong.',
  'reset-invalid': 'This link does not work any more: it works once, for an hour. Ask for a new one.',
  'limit-exceeded': 'Too many attempts.',
  'csrf-refused': 'This page is not served from the address that the server knows as its own.',
  'database-unavailable': 'The database does not answer at the moment.',
  bug: 'Something went wrong on the server.',
};

/** A failure in plain words, with the id that the server's log has. Nothing where there is none. */
export function ProblemAlert({ problem, onRetry }: { problem: unknown; onRetry?: () => void }) {
  if (problem === undefined || problem === null) return null;
  const { title, detail } = wordsOf(problem);
  return (
    <Alert color="red" variant="light" title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        {detail !== undefined && <Text size="sm">{detail}</Text>}
        {problem instanceof ClientProblem && problem.requestId !== undefined && (
          <Text size="xs" c="dimmed" className="long">
            Request {problem.requestId}
          </Text>
        )}
        {onRetry !== undefined && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

export function wordsOf(problem: unknown): { title: string; detail: string | undefined } {
  if (!(problem instanceof ClientProblem)) return { title: 'Something went wrong in this page', detail: undefined };
  const { code, message, detail, retryAfterSeconds } = problem;
  const later = retryAfterSeconds === undefined ? undefined : `Try again in ${Math.ceil(retryAfterSeconds)} s.`;
  const parts = [code === 'signed-out' ? undefined : detail, later].filter((part) => part !== undefined);
  return { title: IN_WORDS[code] ?? message, detail: parts.length === 0 ? undefined : parts.join(' ') };
}
