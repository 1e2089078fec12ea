import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { User } from '#client/auth-calls.ts';
import { ClientProblem } from '#client/problem.ts';
import { client, read } from './api.ts';
import { queries } from './queries.ts';

export type { User };

export type Me =
  | { state: 'loading' }
  | { state: 'unknown'; problem: Error; retry: () => void }
  /** `reason` is undefined for somebody who was not signed in to begin with. */
  | { state: 'out'; reason: string | undefined }
  | { state: 'in'; user: User };

/** Who is signed in, in this tab or another one. */
export function useMe(): Me {
  const [reason, setReason] = useState<string>();
  const { data, error, refetch } = useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => read<User>('/api/auth/me', {}, signal),
    staleTime: Infinity,
  });
  useEffect(() => {
    const stops = [
      client.on('signed-out', (detail) => {
        // It was an answer to the question who is signed in, if nobody was before.
        const wasIn = queries.getQueryData(['me']) !== undefined;
        if (wasIn) setReason(detail.reason);
        queries.clear();
        void queries.invalidateQueries({ queryKey: ['me'] });
        void refetch();
      }),
      client.on('signed-in', () => {
        setReason(undefined);
        void queries.resetQueries();
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [refetch]);

  if (error instanceof ClientProblem && error.code === 'signed-out') return { state: 'out', reason };
  if (data !== undefined) return { state: 'in', user: data };
  if (error !== null) return { state: 'unknown', problem: error, retry: () => void refetch() };
  return { state: 'loading' };
}
