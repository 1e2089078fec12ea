import { Card, Text } from '@mantine/core';

interface FigureProps {
  name: string;
  value: string;
  /** What makes sense of the number. */
  note: string;
  isBad?: boolean;
}

/** One number that matters. */
export function Figure({ name, value, note, isBad = false }: FigureProps) {
  return (
    <Card withBorder padding="sm" component="dl" m={0}>
      <Text size="xs" c="dimmed" component="dt">
        {name}
      </Text>
      <Text fz="xl" fw={700} component="dd" m={0} {...(isBad ? { c: 'var(--mantine-color-error)' } : {})}>
        {value}
      </Text>
      <Text size="xs" c="dimmed" component="dd" m={0}>
        {note}
      </Text>
    </Card>
  );
}
