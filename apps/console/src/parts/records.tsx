import { Button, Center, Stack, Text } from '@mantine/core';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { Page } from '../api.ts';
import { Loading } from './loading.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { RecordsView, type RecordsViewProps } from './records-view.tsx';

export interface RecordsProps<T> extends Omit<RecordsViewProps<T>, 'items'> {
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  /** What is said where there is nothing. */
  empty: string;
}

/** A list that grows by pages. */
export function Records<T>({ label, columns, query, keyOf, empty }: RecordsProps<T>) {
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  if (isPending) return <Loading />;
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack>
      <ProblemAlert problem={error} onRetry={() => void refetch()} />
      {items.length > 0 && <RecordsView label={label} columns={columns} items={items} keyOf={keyOf} />}
      {items.length === 0 && error === null && (
        <Center py="xl">
          <Text c="dimmed">{empty}</Text>
        </Center>
      )}
      {hasNextPage && (
        <Center>
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show more
          </Button>
        </Center>
      )}
    </Stack>
  );
}
