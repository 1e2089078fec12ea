import { Button, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { act } from '../api.ts';
import type { User } from '../me.ts';
import { PageHead } from '../parts/page-head.tsx';
import { usePages } from '../parts/pages-of.ts';
import { Records } from '../parts/records.tsx';
import type { Column } from '../parts/records-view.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { Time } from '../parts/time.tsx';
import { useAct } from '../parts/use-act.ts';
import { Confirm } from '../parts/confirm.tsx';
import { USERS, type ListedUser } from './users/shapes.ts';
import { EditUser } from './users/edit-user.tsx';
import { UserSessions } from './users/user-sessions.tsx';

export default function Users({ user: me }: { user: User }) {
  const users = usePages<ListedUser>(USERS);
  const [isCreating, creating] = useDisclosure();
  const [edited, setEdited] = useState<ListedUser>();
  const [seen, setSeen] = useState<ListedUser>();
  const change = useAct(
    ({ id, disabled }: { id: string; disabled: boolean }) => act('PATCH', `${USERS}/${id}`, { disabled }),
    { changes: [USERS], done: () => 'The user is changed.' },
  );

  const columns: Column<ListedUser>[] = [
    { header: 'Name', cell: ({ name }) => name },
    { header: 'E-mail', cell: ({ email }) => <span className="long">{email}</span> },
    { header: 'Role', cell: ({ role }) => role },
    {
      header: 'Status',
      cell: ({ disabledAt }) =>
        disabledAt === null ? (
          <StatusBadge tone="good">active</StatusBadge>
        ) : (
          <StatusBadge tone="bad">disabled</StatusBadge>
        ),
    },
    { header: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      header: '',
      cell: (user) => (
        <Group gap="xs" justify="flex-end">
          <Button size="xs" variant="light" onClick={() => setSeen(user)} aria-label={`Sessions: ${user.name}`}>
            Sessions
          </Button>
          <Button size="xs" variant="light" onClick={() => setEdited(user)} aria-label={`Edit: ${user.name}`}>
            Edit
          </Button>
          {user.id !== me.id && (
            <Confirm
              label={user.disabledAt === null ? 'Disable' : 'Enable'}
              about={user.name}
              isMild={user.disabledAt !== null}
              question={
                user.disabledAt === null
                  ? `${user.name} will be signed out everywhere, and can not sign in again.`
                  : `${user.name} will be able to sign in again.`
              }
              onConfirm={() => change.mutate({ id: user.id, disabled: user.disabledAt === null })}
              isBusy={change.isPending && change.variables?.id === user.id}
            />
          )}
        </Group>
      ),
    },
  ];

  return (
    <>
      <PageHead title="Users" about="Who may sign in, and as what.">
        <Button size="xs" onClick={creating.open}>
          New user
        </Button>
      </PageHead>
      <Records label="Users" columns={columns} query={users} keyOf={({ id }) => id} empty="No users." />
      <EditUser opened={isCreating} onClose={creating.close} />
      <EditUser key={edited?.id} opened={edited !== undefined} user={edited} onClose={() => setEdited(undefined)} />
      <UserSessions user={seen} onClose={() => setSeen(undefined)} />
    </>
  );
}
