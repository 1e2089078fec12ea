import { Skeleton, Stack } from '@mantine/core';

const ROWS = ['first', 'second', 'third', 'fourth', 'fifth'];

export function Loading() {
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      {ROWS.map((row) => (
        <Skeleton key={row} h={38} />
      ))}
    </Stack>
  );
}
