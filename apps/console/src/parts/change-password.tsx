import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import type { SubmitEvent } from 'react';
import { act } from '../api.ts';
import { Dialog } from './dialog.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { submitted } from './submitted.ts';
import { useAct } from './use-act.ts';

export default function ChangePassword({ onClose }: { onClose: () => void }) {
  const change = useAct(
    (passwords: { currentPassword: string; newPassword: string }) => act('POST', '/api/auth/password', passwords),
    {
      changes: ['/api/sessions'],
      done: () => 'The password is changed. All other sessions were ended.',
      isQuiet: true,
    },
  );

  function close(): void {
    change.reset();
    onClose();
  }

  function submit(event: SubmitEvent<HTMLFormElement>): void {
    const { current = '', next = '' } = submitted(event);
    change.mutate({ currentPassword: current, newPassword: next }, { onSuccess: close });
  }

  return (
    <Dialog opened onClose={close} title="Change password">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" c="dimmed">
            Your other sessions end with it.
          </Text>
          <ProblemAlert problem={change.error} />
          <PasswordInput
            name="current"
            label="Current password"
            autoComplete="current-password"
            required
            data-autofocus
          />
          <PasswordInput name="next" label="New password" autoComplete="new-password" required minLength={8} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={change.isPending}>
              Change
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
