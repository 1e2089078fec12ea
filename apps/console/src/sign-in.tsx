import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { client } from './api.ts';
import { homeOrigin } from './page-facts.ts';
import { Entrance } from './parts/entrance.tsx';
import { ProblemAlert } from './parts/problem-alert.tsx';
import { submitted } from './parts/submitted.ts';
import { go, usePath } from './router.tsx';

const REASONS: Record<string, string> = {
  logout: 'You have signed out.',
  'logout-all': 'You have signed out everywhere.',
  'session-ended': 'This session was ended, on another device or by an admin. Sign in again to go on.',
  'session-expired': 'Your session has expired. Sign in again to go on.',
  'refresh-invalid': 'Your session is not known any more. Sign in again to go on.',
  'refresh-missing': 'You are signed out.',
  'refresh-reused':
    'Your session was ended because it was used from two places at once. If you did not do that, change your password.',
};

const isElsewhere = homeOrigin !== undefined && homeOrigin !== location.origin;

export function SignIn({ reason }: { reason: string | undefined }) {
  const path = usePath();
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    const { email = '', password = '' } = submitted(event);
    setBusy(true);
    try {
      await client.login({ email, password });
      go(path, { replace: true });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Entrance>
      {isElsewhere && (
        <Alert color="yellow" title="This console has another address">
          <Text size="sm">
            Sign in at <Anchor href={`${homeOrigin}/console/`}>{homeOrigin}/console/</Anchor>
          </Text>
        </Alert>
      )}
      {reason !== undefined && problem === undefined && (
        <Alert color="blue" role="status">
          {REASONS[reason] ?? 'You are signed out.'}
        </Alert>
      )}
      <ProblemAlert problem={problem} />
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          <TextInput
            name="email"
            type="email"
            label="E-mail"
            autoComplete="username"
            required
            withAsterisk={false}
            autoFocus
          />
          <PasswordInput
            name="password"
            label="Password"
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          <Button type="submit" loading={isBusy} fullWidth>
            Sign in
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
