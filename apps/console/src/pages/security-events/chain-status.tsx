import { Alert, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../api.ts';
import { count } from '../../parts/amounts.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Time } from '../../parts/time.tsx';
import { EVENTS, type Chain } from './shapes.ts';

/** Whether the chain of seals is whole. */
export function ChainStatus() {
  const { data, error, refetch } = useQuery({
    queryKey: [EVENTS, 'chain'],
    queryFn: ({ signal }) => read<Chain>(`${EVENTS}/chain`, {}, signal),
    refetchInterval: 60_000,
  });
  if (error !== null) return <ProblemAlert problem={error} onRetry={() => void refetch()} />;
  if (data === undefined) return null;
  const isIntact = data.status === 'intact';
  return (
    <Alert color={isIntact ? 'green' : 'red'} title={isIntact ? 'The chain is intact' : `The chain is ${data.status}`}>
      <Text size="sm">
        {count(data.sealedEvents)} events are sealed, {count(data.unsealedEvents)} wait for the next seal. Last sealed{' '}
        <Time at={data.lastSealedAt} />.
      </Text>
    </Alert>
  );
}
