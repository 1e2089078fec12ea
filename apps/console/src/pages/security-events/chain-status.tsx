import { Alert, List, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../api.ts';
import { count } from '../../parts/amounts.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Time } from '../../parts/time.tsx';
import { EVENTS, type Chain } from './shapes.ts';

const FAULTS: Record<string, string> = {
  'event-altered': 'an event was altered',
  'event-missing': 'an event is missing',
  'event-inserted': 'an event was inserted',
  'event-reordered': 'events were put in another order',
  'seal-altered': 'a seal was altered',
  'seal-missing': 'a seal is missing',
  'tail-cut-off': 'the end was cut off',
  'chain-replaced': 'the whole chain was replaced',
};

/** Whether the chain of seals is whole. */
export function ChainStatus() {
  const { data, error, refetch } = useQuery({
    queryKey: [EVENTS, 'chain'],
    queryFn: ({ signal }) => read<Chain>(`${EVENTS}/chain`, { limit: 1 }, signal),
    refetchInterval: 60_000,
  });
  if (error !== null) return <ProblemAlert problem={error} onRetry={() => void refetch()} />;
  if (data === undefined) return null;
  const faults = data.verifications.flatMap(({ fault }) => (fault === null ? [] : [fault]));
  const checked = data.verifications.find(({ name }) => name === 'recent') ?? data.verifications[0];
  return (
    <Alert color={colorOf(data, faults.length)} title={titleOf(data, faults.length)}>
      {faults.length > 0 && (
        <List size="sm">
          {faults.map(({ kind, seal, position }) => (
            <List.Item key={`${kind} ${seal} ${position ?? ''}`}>
              Seal {seal}
              {position === undefined ? '' : `, event ${count(position)}`}: {FAULTS[kind] ?? kind}
            </List.Item>
          ))}
        </List>
      )}
      <Text size="sm">
        {count(data.sealed)} events are sealed, {count(data.unsealed)} wait for the next seal.
        {data.head !== undefined && (
          <>
            {' '}
            Last sealed <Time at={data.head.sealedAt} />.
          </>
        )}
        {checked !== undefined && (
          <>
            {' '}
            Last checked <Time at={checked.checkedAt} />.
          </>
        )}
      </Text>
    </Alert>
  );
}

function titleOf({ verifications }: Chain, faults: number): string {
  if (faults > 0) return 'The chain is broken';
  return verifications.length === 0 ? 'The chain was not checked yet' : 'The chain is intact';
}

function colorOf({ verifications }: Chain, faults: number): string {
  if (faults > 0) return 'red';
  return verifications.length === 0 ? 'gray' : 'green';
}
