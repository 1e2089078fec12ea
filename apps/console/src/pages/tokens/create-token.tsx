import { Alert, Button, Checkbox, Code, CopyButton, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { act } from '../../api.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { submitted } from '../../parts/submitted.ts';
import { useAct } from '../../parts/use-act.ts';
import { SCOPES, TOKENS, type ApiToken } from './shapes.ts';

const DAY_SECONDS = 86_400;
const LIVES = [7, 30, 90, 365].map((days) => ({ value: String(days * DAY_SECONDS), label: `${days} days` }));

/** Makes a token and shows it, once. */
export function CreateToken({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [scopes, setScopes] = useState<string[]>([]);
  const create = useAct((given: object) => act<ApiToken & { token: string }>('POST', TOKENS, given), {
    changes: [TOKENS],
    isQuiet: true,
  });

  function close(): void {
    create.reset();
    setScopes([]);
    onClose();
  }

  function submit(event: SubmitEvent<HTMLFormElement>): void {
    const { name, life } = submitted(event);
    create.mutate({ name, scopes, expiresIn: Number(life) });
  }

  return (
    <Dialog opened={opened} onClose={close} title="New API token" closeOnClickOutside={create.data === undefined}>
      {create.data === undefined ? (
        <form onSubmit={submit}>
          <Stack>
            <ProblemAlert problem={create.error} />
            <TextInput
              name="name"
              label="Name"
              description="What will use it"
              required
              maxLength={200}
              data-autofocus
            />
            <Checkbox.Group label="It may" value={scopes} onChange={setScopes} required>
              <Stack gap="xs" mt="xs">
                {Object.entries(SCOPES).map(([scope, label]) => (
                  <Checkbox key={scope} value={scope} label={label} />
                ))}
              </Stack>
            </Checkbox.Group>
            <NativeSelect name="life" label="Expires after" data={LIVES} defaultValue={String(90 * DAY_SECONDS)} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={create.isPending} disabled={scopes.length === 0}>
                Create
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <Alert color="yellow" title="Copy it now">
            It is shown only once; only a hash of it is kept.
          </Alert>
          <Code block className="bytes">
            {create.data.token}
          </Code>
          <Group justify="flex-end">
            <CopyButton value={create.data.token}>
              {({ copied, copy }) => (
                <Button variant="light" onClick={copy}>
                  {copied ? 'Copied' : 'Copy'}
                </Button>
              )}
            </CopyButton>
            <Button onClick={close}>Done</Button>
          </Group>
          <Text size="xs" c="dimmed">
            Send it as Authorization: Bearer …
          </Text>
        </Stack>
      )}
    </Dialog>
  );
}
