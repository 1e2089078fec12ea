import { Button, Group, List, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { act } from '../../api.ts';
import { count } from '../../parts/amounts.ts';
import { Loading } from '../../parts/loading.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { useAct } from '../../parts/use-act.ts';
import { RECEIPTS } from './shapes.ts';

interface Replayed {
  count: number;
  obstacles: Record<string, number>;
}

const OBSTACLES: Record<string, string> = {
  unaccepted: 'were not accepted',
  open: 'are still being worked on',
  erased: 'have no body any more',
  'source-unset': 'are of a source that is not set up any more',
  unverified: 'do not verify with the secrets of today',
  eventless: 'have no event that can be handed out again',
};

/** Replays all that the filter matches, after counting them. */
export function ReplayMatching({ filter }: { filter: Record<string, string> }) {
  const [isOpen, { open, close }] = useDisclosure();
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''));
  const send = (dryRun: boolean) => act<Replayed>('POST', `${RECEIPTS}/replay`, { filter: given, dryRun });
  const dryRun = useAct(() => send(true), { changes: [], isQuiet: true });
  const replay = useAct(() => send(false), {
    changes: [RECEIPTS],
    done: (result) => `${count(result.count)} receipts are replayed, oldest first.`,
    isQuiet: true,
  });

  function begin(): void {
    dryRun.reset();
    replay.reset();
    open();
    dryRun.mutate(undefined);
  }

  const found = dryRun.data;
  return (
    <>
      <Button variant="light" size="xs" onClick={begin}>
        Replay matching…
      </Button>
      <Dialog opened={isOpen} onClose={close} title="Replay all that match">
        <Stack>
          <ProblemAlert problem={dryRun.error ?? replay.error} />
          {dryRun.isPending && <Loading />}
          {found !== undefined && (
            <>
              <Text>
                {Object.keys(given).length === 0 ? 'Of all receipts' : 'With the filter as it is'},{' '}
                <strong>{count(found.count)}</strong> would be replayed.
              </Text>
              {Object.keys(found.obstacles).length > 0 && (
                <List size="sm">
                  {Object.entries(found.obstacles).map(([obstacle, number]) => (
                    <List.Item key={obstacle}>
                      {count(number)} {OBSTACLES[obstacle] ?? obstacle}
                    </List.Item>
                  ))}
                </List>
              )}
            </>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              disabled={found === undefined || found.count === 0}
              loading={replay.isPending}
              onClick={() => replay.mutate(undefined, { onSuccess: close })}
            >
              Replay {found === undefined ? '' : count(found.count)}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
