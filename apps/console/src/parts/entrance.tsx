import { Center, Group, Image, Paper, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import icon from '../icon.svg';

/** What surrounds a form for somebody who is not signed in. */
export function Entrance({ children }: { children: ReactNode }) {
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={400}>
        <Stack>
          <Group gap="sm">
            <Image src={icon} alt="" w={32} h={32} />
            <Title order={1} size="h3">
              Portcullis
            </Title>
          </Group>
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}
