import { ClientProblem } from './problem.ts';

export function signedOut(reason: string): ClientProblem {
  return new ClientProblem('signed-out', 'You are signed out', { detail: reason });
}

export function personChanged(): ClientProblem {
  return new ClientProblem('person-changed', 'Somebody else has signed in');
}

export function delayed(problem: ClientProblem): ClientProblem {
  return new ClientProblem('refresh-delayed', 'The sign-in could not be refreshed yet', {
    status: problem.status,
    retryAfterSeconds: problem.retryAfterSeconds,
    cause: problem,
  });
}
