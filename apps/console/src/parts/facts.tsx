import { Grid, Text } from '@mantine/core';
import type { ReactNode } from 'react';

export interface Fact {
  name: string;
  value: ReactNode;
}

/** Names and values, side by side where there is room. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <Grid gap="xs" component="dl" m={0}>
      {facts.map(({ name, value }) => (
        <Grid.Col key={name} span={{ base: 12, sm: 6, lg: 4 }}>
          <Text size="xs" c="dimmed" component="dt">
            {name}
          </Text>
          <Text size="sm" component="dd" m={0} className="long">
            {value}
          </Text>
        </Grid.Col>
      ))}
    </Grid>
  );
}
