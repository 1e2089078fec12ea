import { Alert, Anchor, Button, Card, Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { act, read } from '../../api.ts';
import { bytes, seconds } from '../../parts/amounts.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Loading } from '../../parts/loading.tsx';
import { PageHead } from '../../parts/page-head.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Section } from '../../parts/section.tsx';
import { StatusBadge } from '../../parts/status-badge.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../parts/use-act.ts';
import { Link } from '../../router.tsx';
import { RECEIPTS, type ReceiptEvent, type ShownReceipt } from './shapes.ts';
import { stateTone, verdictTone, verdictWords, whyRefused } from './words.ts';

const HIDDEN = {
  absent: 'There is no body, or it was erased.',
  large: 'The body is too large to be shown.',
  unreadable: 'The body can not be masked, since it is neither JSON nor a form. Reveal it to see it.',
};

/** One receipt with everything that is known of it. */
export function Receipt({ id }: { id: string }) {
  const [isRevealed, setRevealed] = useState(false);
  const path = `${RECEIPTS}/${id}`;
  const { data, error, isPending, refetch } = useQuery({
    // Each look at what is revealed is recorded: no more of them than were asked for, whatever changes.
    queryKey: isRevealed ? ['revealed', id] : [RECEIPTS, id],
    queryFn: ({ signal }) => read<ShownReceipt>(path, isRevealed ? { reveal: 'true' } : {}, signal),
    ...(isRevealed ? { staleTime: Infinity, gcTime: 0, refetchOnWindowFocus: false } : { refetchInterval: 10_000 }),
  });
  const replay = useAct(() => act('POST', `${path}/replay`), {
    changes: [RECEIPTS],
    done: () => {
      setRevealed(false);
      return 'The receipt is replayed.';
    },
  });

  return (
    <>
      <PageHead title="Receipt" about={data === undefined ? id : `${data.source}, by the rules of ${data.provider}`}>
        <Button component={Link} to="/receipts" variant="default" size="xs">
          All receipts
        </Button>
        {data !== undefined && !isRevealed && (
          <Confirm
            label="Reveal"
            isMild
            question="Personal data will be shown as it came. That you looked is recorded."
            onConfirm={() => setRevealed(true)}
          />
        )}
        {data?.verdict === 'accepted' && data.state !== 'open' && (
          <Confirm
            label="Replay"
            isMild
            question="Its events are handed out again, as if they had just come in."
            onConfirm={() => replay.mutate(undefined)}
            isBusy={replay.isPending}
          />
        )}
      </PageHead>
      <ProblemAlert problem={error} onRetry={() => void refetch()} />
      {isPending && <Loading />}
      {data !== undefined && <Shown receipt={data} />}
    </>
  );
}

function Shown({ receipt }: { receipt: ShownReceipt }) {
  const why = whyRefused(receipt.verdict);
  const { verify, batchWait } = receipt.timings;
  return (
    <Stack gap="lg">
      {why !== undefined && (
        <Alert color="red" title={verdictWords(receipt.verdict)}>
          {why}
        </Alert>
      )}
      {receipt.lastError !== null && (
        <Alert color="yellow" title="The last try failed">
          <Text size="sm" className="long">
            {receipt.lastError}
          </Text>
        </Alert>
      )}
      <Facts
        facts={[
          {
            name: 'Verdict',
            value: <StatusBadge tone={verdictTone(receipt.verdict)}>{verdictWords(receipt.verdict)}</StatusBadge>,
          },
          { name: 'State', value: <StatusBadge tone={stateTone(receipt.state)}>{receipt.state}</StatusBadge> },
          { name: 'Received', value: <Time at={receipt.receivedAt} /> },
          { name: 'From', value: receipt.clientAddress },
          { name: 'Secret that matched', value: receipt.secretLabel ?? '–' },
          { name: 'Size', value: bytes(receipt.sizeBytes) },
          {
            name: 'Copies',
            value:
              receipt.duplicates === 0 ? (
                'none'
              ) : (
                <>
                  {receipt.duplicates}, the last <Time at={receipt.lastDuplicateAt} />
                </>
              ),
          },
          { name: 'Attempts', value: receipt.attempts },
          { name: 'Closed', value: <Time at={receipt.closedAt} /> },
          { name: 'Verified in, then waited for', value: `${seconds(verify)}, ${seconds(batchWait)}` },
          { name: 'Id in a header', value: receipt.textId ?? '–' },
          { name: 'Request', value: receipt.requestId },
          { name: 'SHA-256', value: receipt.sha256 ?? '–' },
        ]}
      />
      <Section title="Body">
        <Body body={receipt.body} />
      </Section>
      <Section title="Headers">
        <div className="wide" tabIndex={0} role="region" aria-label="Names and values">
          <Table>
            <Table.Tbody>
              {Object.entries(receipt.headers).map(([name, value]) => (
                <Table.Tr key={name}>
                  <Table.Th scope="row">{name}</Table.Th>
                  <Table.Td className="long">{value}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      </Section>
      <Section title="Events inside">
        {receipt.events.items.length === 0 ? (
          <Text size="sm" c="dimmed">
            {receipt.state === 'open' ? 'It is not opened yet.' : 'None.'}
          </Text>
        ) : (
          <Stack gap="sm">
            {receipt.events.items.map((event) => (
              <Event key={event.id} event={event} />
            ))}
            {receipt.events.nextCursor !== undefined && (
              <Text size="sm" c="dimmed">
                There are more: <Anchor href={`${RECEIPTS}/${receipt.id}/events`}>GET …/events</Anchor> lists all of
                them.
              </Text>
            )}
          </Stack>
        )}
      </Section>
    </Stack>
  );
}

function Body({ body }: { body: ShownReceipt['body'] }) {
  if (body.form === 'hidden') return <Text size="sm">{HIDDEN[body.reason]}</Text>;
  const text = body.form === 'json' ? JSON.stringify(body.value, null, 2) : body.text;
  return (
    <Card withBorder padding="sm">
      <pre className="bytes">{text}</pre>
    </Card>
  );
}

function Event({ event }: { event: ReceiptEvent }) {
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" mb="xs">
        <Text fw={600} size="sm">
          {event.type}
        </Text>
        <StatusBadge tone={stateTone(event.state)}>{event.state}</StatusBadge>
      </Group>
      <Text size="xs" c="dimmed" className="long" mb="xs">
        {event.eventKey}
        {event.subjects.length > 0 && ` · ${event.subjects.join(', ')}`}
      </Text>
      {event.lastError !== null && (
        <Text size="sm" c="red" className="long">
          {event.lastError}
        </Text>
      )}
      <pre className="bytes">{JSON.stringify(event.data, null, 2)}</pre>
    </Card>
  );
}
