import { Stack } from '@mantine/core';
import type { SessionInfo } from '#client/create-client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { act } from '../../api.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { usePages } from '../../parts/pages-of.ts';
import { Records } from '../../parts/records.tsx';
import type { Column } from '../../parts/records-view.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../parts/use-act.ts';
import { USERS, type ListedUser } from './shapes.ts';

const columns: Column<SessionInfo>[] = [
  { header: 'Device', cell: ({ device }) => device },
  { header: 'Last used', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
  { header: 'Network', cell: ({ addressPrefix }) => addressPrefix },
];

/** Where somebody is signed in, and how to end it all. */
export function UserSessions({ user, onClose }: { user: ListedUser | undefined; onClose: () => void }) {
  return (
    <Dialog opened={user !== undefined} onClose={onClose} size="lg" title={`Sessions of ${user?.name ?? ''}`}>
      {user !== undefined && <Sessions user={user} />}
    </Dialog>
  );
}

function Sessions({ user }: { user: ListedUser }) {
  const path = `${USERS}/${user.id}/sessions`;
  const sessions = usePages<SessionInfo>(path);
  const end = useAct(() => act<{ count: number }>('DELETE', path), {
    changes: [path],
    done: ({ count }) => `${count} ${count === 1 ? 'session is' : 'sessions are'} ended.`,
  });
  const isSomewhere = (sessions.data?.pages[0]?.items.length ?? 0) > 0;
  return (
    <Stack>
      <Records
        label="Sessions"
        columns={columns}
        query={sessions}
        keyOf={({ id }) => id}
        empty="Not signed in anywhere."
      />
      {isSomewhere && (
        <div>
          <Confirm
            label="End all"
            question={`${user.name} will be signed out everywhere within a second.`}
            onConfirm={() => end.mutate(undefined)}
            isBusy={end.isPending}
          />
        </div>
      )}
    </Stack>
  );
}
