import { Button, Group, NativeSelect, PasswordInput, Stack, TextInput } from '@mantine/core';
import type { SubmitEvent } from 'react';
import { act } from '../../api.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { submitted } from '../../parts/submitted.ts';
import { useAct } from '../../parts/use-act.ts';
import { USERS, type ListedUser } from './shapes.ts';

const ROLES = [
  { value: 'user', label: 'User: their own uploads and sessions' },
  { value: 'agent', label: 'Agent: all uploads' },
  { value: 'admin', label: 'Admin: everything' },
];

/** A new user, or changes of one. */
export function EditUser({
  opened,
  onClose,
  user,
}: {
  opened: boolean;
  onClose: () => void;
  user?: ListedUser | undefined;
}) {
  const save = useAct(
    (given: object) => (user === undefined ? act('POST', USERS, given) : act('PATCH', `${USERS}/${user.id}`, given)),
    {
      changes: [USERS],
      done: () => (user === undefined ? 'The user is made.' : 'The user is changed.'),
      isQuiet: true,
    },
  );

  function close(): void {
    save.reset();
    onClose();
  }

  function submit(event: SubmitEvent<HTMLFormElement>): void {
    const { password, ...rest } = submitted(event);
    save.mutate(password === '' ? rest : { ...rest, password }, { onSuccess: close });
  }

  return (
    <Dialog opened={opened} onClose={close} title={user === undefined ? 'New user' : `Edit ${user.name}`}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemAlert problem={save.error} />
          <TextInput name="name" label="Name" required defaultValue={user?.name} maxLength={200} data-autofocus />
          {user === undefined && <TextInput name="email" type="email" label="E-mail" required autoComplete="off" />}
          <NativeSelect name="role" label="Role" data={ROLES} defaultValue={user?.role ?? 'user'} />
          <PasswordInput
            name="password"
            label={user === undefined ? 'Password' : 'New password'}
            description={
              user === undefined
                ? 'Without one, they can sign in only by a reset link: npm run user -- reset'
                : 'Leave it empty to keep the present one. A new one ends all their sessions.'
            }
            autoComplete="new-password"
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
