import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { act } from './api.ts';
import { useQuestion } from './confirm-password.ts';
import { Dialog } from './parts/dialog.tsx';
import { ProblemAlert } from './parts/problem-alert.tsx';
import { submitted } from './parts/submitted.ts';

/** The dialog of confirmPassword; once in a page. */
export default function StepUp() {
  const { question, answer, giveUp } = useQuestion();
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);

  function close(): void {
    setProblem(undefined);
    giveUp();
  }

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    const { password } = submitted(event);
    setBusy(true);
    try {
      await act('POST', '/api/auth/step-up', { password });
      setProblem(undefined);
      answer();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog opened={question !== undefined} onClose={close} title="Confirm that it is you">
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          <Text size="sm">This needs a fresh sign-in. Enter your password to go on.</Text>
          <ProblemAlert problem={problem} />
          <PasswordInput name="password" label="Password" autoComplete="current-password" required data-autofocus />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={isBusy}>
              Confirm
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
