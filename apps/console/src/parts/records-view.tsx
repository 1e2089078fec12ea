import { Card, Group, Stack, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';

export interface Column<T> {
  /** An empty one is for actions. */
  header: string;
  cell: (item: T) => ReactNode;
}

export interface RecordsViewProps<T> {
  /** For screen readers. */
  label: string;
  columns: readonly Column<T>[];
  items: readonly T[];
  keyOf: (item: T) => string;
}

/** A table, or cards where that would be too wide. */
export function RecordsView<T>(props: RecordsViewProps<T>) {
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  return isNarrow ? <Cards {...props} /> : <Rows {...props} />;
}

function Rows<T>({ label, columns, items, keyOf }: RecordsViewProps<T>) {
  return (
    <div className="wide" tabIndex={0} role="region" aria-label={label}>
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
                <Table.Td key={header} {...(header === '' ? { className: 'actions' } : {})}>
                  {cell(item)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Cards<T>({ label, columns, items, keyOf }: RecordsViewProps<T>) {
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
