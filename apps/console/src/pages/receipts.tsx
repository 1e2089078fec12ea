import { Anchor } from '@mantine/core';
import { Link, usePath } from '../router.tsx';
import { bytes } from '../parts/amounts.ts';
import { ChoiceFilter, TextFilter } from '../parts/filter-fields.tsx';
import { Filters } from '../parts/filters.tsx';
import { LocalTimeInput } from '../parts/local-time-input.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { usePages } from '../parts/pages-of.ts';
import { Records } from '../parts/records.tsx';
import type { Column } from '../parts/records-view.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { Time } from '../parts/time.tsx';
import { useFilter } from '../parts/use-filter.ts';
import { Receipt } from './receipts/receipt.tsx';
import { ReplayMatching } from './receipts/replay-matching.tsx';
import { RECEIPTS, type ReceiptSummary } from './receipts/shapes.ts';
import { stateTone, verdictTone, verdictWords } from './receipts/words.ts';

const FIELDS = ['source', 'verdict', 'state', 'from', 'to', 'eventKey', 'textId'] as const;
const VERDICTS = [
  { value: 'accepted', label: 'Accepted' },
  { value: 'refused', label: 'Refused, whatever for' },
  { value: 'refused:signature-mismatch', label: 'Refused: wrong signature' },
  { value: 'refused:signature-missing', label: 'Refused: no signature' },
  { value: 'refused:timestamp-old', label: 'Refused: too old' },
  { value: 'challenge', label: 'Challenge' },
  { value: 'ping', label: 'Ping' },
];
const STATES = [
  { value: 'open', label: 'Open' },
  { value: 'done', label: 'Done' },
  { value: 'dead', label: 'Dead' },
];

const columns: Column<ReceiptSummary>[] = [
  {
    header: 'Received',
    cell: ({ id, receivedAt }) => (
      <Anchor component={Link} to={`/receipts/${id}`} size="sm">
        <Time at={receivedAt} />
      </Anchor>
    ),
  },
  { header: 'Source', cell: ({ source }) => source },
  {
    header: 'Verdict',
    cell: ({ verdict }) => <StatusBadge tone={verdictTone(verdict)}>{verdictWords(verdict)}</StatusBadge>,
  },
  { header: 'State', cell: ({ state }) => <StatusBadge tone={stateTone(state)}>{state}</StatusBadge> },
  { header: 'Size', cell: ({ sizeBytes }) => bytes(sizeBytes) },
  { header: 'Copies', cell: ({ duplicates }) => (duplicates === 0 ? '–' : String(duplicates)) },
  { header: 'From', cell: ({ clientAddress }) => clientAddress },
];

export default function Receipts() {
  const [, id] = /^\/receipts\/([0-9a-f-]{36})$/.exec(usePath()) ?? [];
  return id === undefined ? <Search /> : <Receipt id={id} />;
}

function Search() {
  const { filter, isFiltered, set, clear } = useFilter(FIELDS);
  const receipts = usePages<ReceiptSummary>(RECEIPTS, filter, { everyMs: 10_000 });

  return (
    <>
      <PageHead title="Receipts" about="Every webhook request that came in, accepted or not.">
        <ReplayMatching filter={filter} />
      </PageHead>
      <Filters label="Receipts" filter={filter} onClear={clear}>
        <TextFilter label="Source" value={filter.source} onChange={set('source')} />
        <ChoiceFilter label="Verdict" data={VERDICTS} value={filter.verdict} onChange={set('verdict')} />
        <ChoiceFilter label="State" data={STATES} value={filter.state} onChange={set('state')} />
        <TextFilter label="Event key" value={filter.eventKey} onChange={set('eventKey')} />
        <TextFilter label="Id in a header" value={filter.textId} onChange={set('textId')} />
        <LocalTimeInput label="From" value={filter.from} onChange={set('from')} />
        <LocalTimeInput label="Until" value={filter.to} onChange={set('to')} />
      </Filters>
      <Records
        label="Receipts"
        columns={columns}
        query={receipts}
        keyOf={({ id }) => id}
        empty={isFiltered ? 'Nothing matches.' : 'No webhook has come in yet.'}
      />
    </>
  );
}
