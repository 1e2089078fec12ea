import { Badge, Group, Text } from '@mantine/core';
import type { SessionInfo } from '#client/create-client.ts';
import { act } from '../api.ts';
import { Confirm } from '../parts/confirm.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { usePages } from '../parts/pages-of.ts';
import { Records } from '../parts/records.tsx';
import type { Column } from '../parts/records-view.tsx';
import { Time } from '../parts/time.tsx';
import { useAct } from '../parts/use-act.ts';

const PATH = '/api/sessions';

export default function Sessions() {
  const sessions = usePages<SessionInfo>(PATH);
  const end = useAct((id: string) => act('DELETE', `${PATH}/${id}`), {
    changes: [PATH],
    done: () => 'The session is ended.',
  });
  const endOthers = useAct(() => act<{ count: number }>('POST', `${PATH}/terminate-others`), {
    changes: [PATH],
    done: ({ count }) => `${count} other ${count === 1 ? 'session is' : 'sessions are'} ended.`,
  });
  const others = sessions.data?.pages.flatMap(({ items }) => items).filter(({ current }) => !current) ?? [];

  const columns: Column<SessionInfo>[] = [
    {
      header: 'Device',
      cell: ({ device, current }) => (
        <Group gap="xs" display="inline-flex">
          <Text size="sm" fw={600}>
            {device}
          </Text>
          {current && (
            <Badge size="sm" tt="none">
              this one
            </Badge>
          )}
        </Group>
      ),
    },
    { header: 'Last used', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
    { header: 'Signed in', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { header: 'Network', cell: ({ addressPrefix }) => addressPrefix },
    {
      header: '',
      cell: ({ id, device, current }) => (
        <Confirm
          label={current ? 'Sign out' : 'End'}
          about={device}
          question={
            current ? 'You will be signed out here.' : `Whoever uses ${device} will be signed out within a second.`
          }
          onConfirm={() => end.mutate(id)}
          isBusy={end.isPending && end.variables === id}
        />
      ),
    },
  ];

  return (
    <>
      <PageHead title="My sessions" about="Every place you are signed in. End what you do not know.">
        {others.length > 0 && (
          <Confirm
            label="End all others"
            question={`All ${others.length} other sessions will be ended.`}
            onConfirm={() => endOthers.mutate(undefined)}
            isBusy={endOthers.isPending}
          />
        )}
      </PageHead>
      <Records label="My sessions" columns={columns} query={sessions} keyOf={({ id }) => id} empty="No sessions." />
    </>
  );
}
