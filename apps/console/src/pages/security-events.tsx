import { Button, Code, Stack, Text } from '@mantine/core';
import { Dialog } from '../parts/dialog.tsx';
import { lazy, Suspense, useState } from 'react';
import { eventTypes } from '#audit/event-types.ts';
import { ChoiceFilter, TextFilter } from '../parts/filter-fields.tsx';
import { Filters } from '../parts/filters.tsx';
import { Facts } from '../parts/facts.tsx';
import { Loading } from '../parts/loading.tsx';
import { LocalTimeInput } from '../parts/local-time-input.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { usePages } from '../parts/pages-of.ts';
import { Records } from '../parts/records.tsx';
import type { Column } from '../parts/records-view.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { exactTime, Time } from '../parts/time.tsx';
import { useFilter } from '../parts/use-filter.ts';
import { ChainStatus } from './security-events/chain-status.tsx';
import { EVENTS, type SecurityEvent } from './security-events/shapes.ts';
import { severityTone, typeWords } from './security-events/words.ts';

const EventChart = lazy(() => import('./security-events/event-chart.tsx'));

const FIELDS = ['type', 'severity', 'source', 'from', 'to'] as const;
const TYPES = Object.keys(eventTypes).map((type) => ({ value: type, label: typeWords(type) }));
const SEVERITIES = ['info', 'notice', 'warning', 'critical'];

export default function SecurityEvents() {
  const { filter, isFiltered, set, clear } = useFilter(FIELDS);
  const [seen, setSeen] = useState<SecurityEvent>();
  const events = usePages<SecurityEvent>(EVENTS, filter, { everyMs: 15_000 });

  const columns: Column<SecurityEvent>[] = [
    { header: 'When', cell: ({ occurredAt }) => <Time at={occurredAt} /> },
    { header: 'What', cell: ({ type }) => <span className="long">{typeWords(type)}</span> },
    {
      header: 'Severity',
      cell: ({ severity }) => <StatusBadge tone={severityTone(severity)}>{severity}</StatusBadge>,
    },
    { header: 'Times', cell: ({ count }) => String(count) },
    { header: 'Network', cell: ({ addressPrefix }) => addressPrefix ?? '–' },
    {
      header: '',
      cell: (event) => (
        <Button
          size="xs"
          variant="light"
          onClick={() => setSeen(event)}
          aria-label={`Details: ${typeWords(event.type)}`}
        >
          Details
        </Button>
      ),
    },
  ];

  return (
    <>
      <PageHead title="Security events" about="What was done and what was refused, in a chain that shows tampering." />
      <Stack gap="lg">
        <ChainStatus />
        <Suspense fallback={<Loading />}>
          <EventChart from={filter.from} to={filter.to} />
        </Suspense>
        <Filters label="Security events" filter={filter} onClear={clear}>
          <ChoiceFilter label="Type" data={TYPES} value={filter.type} onChange={set('type')} />
          <ChoiceFilter label="Severity" data={SEVERITIES} value={filter.severity} onChange={set('severity')} />
          <TextFilter label="Source" value={filter.source} onChange={set('source')} />
          <LocalTimeInput label="From" value={filter.from} onChange={set('from')} />
          <LocalTimeInput label="Until" value={filter.to} onChange={set('to')} />
        </Filters>
        <Records
          label="Security events"
          columns={columns}
          query={events}
          keyOf={({ id }) => id}
          empty={isFiltered ? 'Nothing matches.' : 'Nothing has happened yet.'}
        />
      </Stack>
      <Dialog
        opened={seen !== undefined}
        onClose={() => setSeen(undefined)}
        size="lg"
        title={seen === undefined ? '' : typeWords(seen.type)}
      >
        {seen !== undefined && <Details event={seen} />}
      </Dialog>
    </>
  );
}

function Details({ event }: { event: SecurityEvent }) {
  return (
    <Stack>
      <Facts
        facts={[
          { name: 'When', value: exactTime(event.occurredAt) },
          { name: 'Type', value: event.type },
          { name: 'Who', value: [event.actorKind, event.actorId].filter(Boolean).join(' ') },
          { name: 'Of what', value: [event.targetKind, event.targetId].filter(Boolean).join(' ') || '–' },
          { name: 'Source', value: event.source ?? '–' },
          { name: 'Network', value: event.addressPrefix ?? event.network ?? '–' },
          { name: 'Device', value: event.device ?? '–' },
          { name: 'Request', value: event.requestId ?? '–' },
          { name: 'Id', value: event.id },
        ]}
      />
      {Object.keys(event.details).length === 0 ? (
        <Text size="sm" c="dimmed">
          No details.
        </Text>
      ) : (
        <Code block className="bytes">
          {JSON.stringify(event.details, null, 2)}
        </Code>
      )}
    </Stack>
  );
}
