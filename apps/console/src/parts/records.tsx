import { Button, Card, Center, Group, Stack, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Page } from '../api.ts';
import { Loading } from './loading.tsx';
import { ProblemAlert } from './problem-alert.tsx';

export interface Column<T> {
  /** An empty one is for actions. */
  header: string;
  cell: (item: T) => ReactNode;
}

export interface RecordsProps<T> {
  /** For screen readers. */
  label: string;
  columns: readonly Column<T>[];
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  keyOf: (item: T) => string;
  /** What is said where there is nothing. */
  empty: string;
}

/** A list that grows by pages: a table, or cards where that would be too wide. */
export function Records<T>({ label, columns, query, keyOf, empty }: RecordsProps<T>) {
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  if (isPending) return <Loading />;
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  const View = isNarrow ? Cards : Rows;
  return (
    <Stack>
      <ProblemAlert problem={error} onRetry={() => void refetch()} />
      {items.length > 0 && <View label={label} columns={columns} items={items} keyOf={keyOf} />}
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

interface ViewProps<T> extends Pick<RecordsProps<T>, 'label' | 'columns' | 'keyOf'> {
  items: readonly T[];
}

function Rows<T>({ label, columns, items, keyOf }: ViewProps<T>) {
  return (
    <Table.ScrollContainer minWidth={0} type="native" tabIndex={0} role="region" aria-label={label}>
      <Table verticalSpacing="xs" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ header }) => (
              <Table.Th key={header}>{header === '' ? <span aria-label="Actions" role="img" /> : header}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={keyOf(item)}>
              {columns.map(({ header, cell }) => (
                <Table.Td key={header}>{cell(item)}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Cards<T>({ label, columns, items, keyOf }: ViewProps<T>) {
  return (
    <Stack gap="sm" role="list" aria-label={label}>
      {items.map((item) => (
        <Card key={keyOf(item)} withBorder padding="sm" role="listitem">
          <Stack gap={6}>
            {columns.map(({ header, cell }) => (
              <Group
                key={header}
                justify={header === '' ? 'flex-end' : 'space-between'}
                wrap="nowrap"
                align="flex-start"
              >
                {header !== '' && (
                  <Text size="sm" c="dimmed">
                    {header}
                  </Text>
                )}
                <Text size="sm" component="div" className="long" ta="right">
                  {cell(item)}
                </Text>
              </Group>
            ))}
          </Stack>
        </Card>
      ))}
    </Stack>
  );
}
