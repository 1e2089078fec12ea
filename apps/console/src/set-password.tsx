import { Alert, Button, PasswordInput, Stack } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { problemFrom, problemOf } from '#client/problem.ts';
import { Entrance } from './parts/entrance.tsx';
import { ProblemAlert } from './parts/problem-alert.tsx';
import { submitted } from './parts/submitted.ts';
import { Link } from './router.tsx';

/** Where a link of `npm run user -- reset` leads: `/console/reset#<secret>`. Nobody need be signed in. */
export default function SetPassword() {
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [isDone, setDone] = useState(false);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    const { password = '' } = submitted(event);
    setBusy(true);
    try {
      await setPassword(location.hash.slice(1), password);
      setDone(true);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  if (isDone) {
    return (
      <Entrance>
        <Alert color="green" role="status">
          Your password is set. Wherever you were signed in, you are signed out.
        </Alert>
        <Button component={Link} to="/" fullWidth>
          Go to the sign-in
        </Button>
      </Entrance>
    );
  }
  return (
    <Entrance>
      <ProblemAlert problem={problem} />
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          <PasswordInput
            name="password"
            label="New password"
            autoComplete="new-password"
            required
            withAsterisk={false}
            autoFocus
          />
          <Button type="submit" loading={isBusy} fullWidth>
            Set password
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}

/** @throws ClientProblem */
async function setPassword(token: string, newPassword: string): Promise<void> {
  try {
    const response = await fetch('/api/auth/reset', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, newPassword }),
    });
    if (!response.ok) throw await problemOf(response);
  } catch (error) {
    throw problemFrom(error);
  }
}
