import { Alert, Anchor, Card, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { read } from '../api.ts';
import { boardUrl } from '../page-facts.ts';
import { bytes, count, seconds } from '../parts/amounts.ts';
import { Loading } from '../parts/loading.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ProblemAlert } from '../parts/problem-alert.tsx';
import { RecordsView } from '../parts/records-view.tsx';
import { Section } from '../parts/section.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { Time } from '../parts/time.tsx';
import { alertWords } from './overview/words.ts';
import { Figure } from './overview/figure.tsx';
import type { RateSample } from './overview/rate-chart.tsx';
import type { Overview as Shown } from './overview/shapes.ts';
import { processColumns, queueColumns, sweepColumns } from './overview/tables.tsx';

const RateChart = lazy(() => import('./overview/rate-chart.tsx'));

const PATH = '/api/overview';
/** As often as processes tell. */
const EVERY_MS = 10_000;
const MAX_SAMPLES = 60;
/** Past this, something that waits is a worry. */
const SLOW_SECONDS = 60;

export default function Overview() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [PATH],
    queryFn: ({ signal }) => read<Shown>(PATH, {}, signal),
    refetchInterval: EVERY_MS,
  });
  const samples = useSamples(data);
  return (
    <>
      <PageHead title="Overview" about="How the whole system is doing, every ten seconds.">
        {boardUrl !== undefined && (
          <Anchor href={boardUrl} target="_blank" rel="noreferrer" size="sm">
            Queues on the board
          </Anchor>
        )}
      </PageHead>
      <Stack gap="lg">
        <ProblemAlert problem={error} onRetry={() => void refetch()} />
        {isPending && <Loading />}
        {data !== undefined && <Content overview={data} samples={samples} />}
      </Stack>
    </>
  );
}

/** The rates since the page was opened, the latest last. */
function useSamples(overview: Shown | undefined): readonly RateSample[] {
  const [samples, setSamples] = useState<readonly RateSample[]>([]);
  useEffect(() => {
    if (overview === undefined) return;
    const { at, rates } = overview;
    const { accepted, duplicate, refused } = rates;
    setSamples((before) =>
      before.at(-1)?.at === at ? before : [...before, { at, accepted, duplicate, refused }].slice(-MAX_SAMPLES),
    );
  }, [overview]);
  return samples;
}

function Content({ overview, samples }: { overview: Shown; samples: readonly RateSample[] }) {
  const { alerts, queues, processes, sweeps } = overview;
  return (
    <>
      {alerts.map(({ rule, subject, severity, raisedAt, details }) => (
        <Alert
          key={`${rule} ${subject}`}
          color={severity === 'critical' ? 'red' : 'yellow'}
          title={alertWords(rule, subject)}
        >
          <Text size="sm" className="long">
            Since <Time at={raisedAt} />.{' '}
            {Object.entries(details)
              .filter(([, value]) => value !== null)
              .map(([name, value]) => `${name}: ${String(value)}`)
              .join(', ')}
          </Text>
        </Alert>
      ))}
      <Figures overview={overview} />
      <Section title="Webhooks a second">
        <Suspense fallback={<Loading />}>
          <RateChart samples={samples} />
        </Suspense>
      </Section>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Scanner scanner={overview.scanner} quarantine={overview.quarantine} />
        <Audit audit={overview.audit} />
      </SimpleGrid>
      <Section title="Queues">
        {queues === null ? (
          <Alert color="red" title="The store of the queues does not answer">
            Receipts are taken all the same, and worked on when it is back.
          </Alert>
        ) : (
          <RecordsView label="Queues" columns={queueColumns} items={queues} keyOf={({ name }) => name} />
        )}
      </Section>
      <Section title="Processes">
        <RecordsView label="Processes" columns={processColumns} items={processes} keyOf={({ id }) => id} />
      </Section>
      <Section title="Sweeps">
        <RecordsView label="Sweeps" columns={sweepColumns} items={sweeps} keyOf={({ name }) => name} />
      </Section>
    </>
  );
}

function Figures({ overview }: { overview: Shown }) {
  const { rates, latencies, receipts, events, sessions, quarantine } = overview;
  const waiting = (oldest: number): string => (oldest === 0 ? 'nothing waits' : `the oldest for ${seconds(oldest)}`);
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
      <Figure
        name="Accepted a second"
        value={count(rates.accepted)}
        note={`${count(rates.refused)} refused, ${count(rates.duplicate)} copies`}
      />
      <Figure
        name="Acknowledged in"
        value={latencies.ack === null ? '–' : seconds(latencies.ack.p50)}
        note={latencies.ack === null ? 'no webhook just now' : `99 % within ${seconds(latencies.ack.p99)}`}
      />
      <Figure
        name="Requests a second"
        value={count(rates.requests)}
        note={latencies.http === null ? 'none just now' : `99 % within ${seconds(latencies.http.p99)}`}
      />
      <Figure
        name="Turned away a second"
        value={count(rates.unavailable)}
        note="answered 503"
        isBad={rates.unavailable > 0}
      />
      <Figure
        name="Open receipts"
        value={count(receipts.open)}
        note={waiting(receipts.oldestSeconds)}
        isBad={receipts.oldestSeconds > SLOW_SECONDS}
      />
      <Figure
        name="Open events"
        value={count(events.open)}
        note={waiting(events.oldestSeconds)}
        isBad={events.oldestSeconds > SLOW_SECONDS}
      />
      <Figure
        name="Dead"
        value={count(receipts.dead + events.dead)}
        note={`${count(receipts.dead)} receipts, ${count(events.dead)} events`}
        isBad={receipts.dead + events.dead > 0}
      />
      <Figure name="Signed in" value={count(sessions)} note={`${bytes(quarantine.bytes)} in quarantine`} />
    </SimpleGrid>
  );
}

function Scanner({ scanner, quarantine }: Pick<Shown, 'scanner' | 'quarantine'>) {
  const waits =
    quarantine.oldestSeconds === 0 ? 'No file waits.' : `A file has waited for ${seconds(quarantine.oldestSeconds)}.`;
  return (
    <Card withBorder>
      <Section title="Virus scanner">
        <Stack gap="xs" align="flex-start">
          {scanner === null ? (
            <StatusBadge tone="bad">nobody scans</StatusBadge>
          ) : (
            <StatusBadge tone={scanner.isReady ? 'good' : 'bad'}>{scanner.isReady ? 'ready' : 'not ready'}</StatusBadge>
          )}
          <Text size="sm" className="long">
            {scanner?.why ?? scanner?.signatures ?? ''} {waits}
          </Text>
        </Stack>
      </Section>
    </Card>
  );
}

function Audit({ audit }: Pick<Shown, 'audit'>) {
  const words = { true: 'intact', false: 'broken', null: 'not checked yet' }[String(audit.intact)] ?? '';
  return (
    <Card withBorder>
      <Section title="Chain of security events">
        <Stack gap="xs" align="flex-start">
          <StatusBadge tone={audit.intact === null ? 'plain' : audit.intact ? 'good' : 'bad'}>{words}</StatusBadge>
          <Text size="sm">
            {count(audit.sealed)} sealed, {count(audit.unsealed)} wait for the next seal.
          </Text>
        </Stack>
      </Section>
    </Card>
  );
}
