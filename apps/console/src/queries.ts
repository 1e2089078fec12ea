import { QueryClient } from '@tanstack/react-query';
import { ClientProblem, isPassing } from '#client/problem.ts';

const MAX_RETRIES = 3;
const STALE_MS = 5_000;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: STALE_MS,
      retry: (failures, error) => failures < MAX_RETRIES && error instanceof ClientProblem && isPassing(error),
      retryDelay: (failures, error) => {
        const asked = error instanceof ClientProblem ? error.retryAfterSeconds : undefined;
        return Math.min((asked ?? 2 ** failures) * 1_000, 15_000);
      },
    },
  },
});
