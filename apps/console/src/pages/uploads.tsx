import { Button, Group, Progress, Stack, Text, TextInput } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import '@mantine/dropzone/styles.css';
import { DownloadIcon, UploadIcon } from '@radix-ui/react-icons';
import { useEffect, useState } from 'react';
import { ClientProblem } from '#client/problem.ts';
import type { UploadState } from '#client/wait-for-verdict.ts';
import { act, client } from '../api.ts';
import { bytes } from '../parts/amounts.ts';
import { Confirm } from '../parts/confirm.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { usePages } from '../parts/pages-of.ts';
import { ProblemAlert } from '../parts/problem-alert.tsx';
import { Records } from '../parts/records.tsx';
import type { Column } from '../parts/records-view.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { tellProblem } from '../parts/tell.ts';
import { Time } from '../parts/time.tsx';
import { useAct } from '../parts/use-act.ts';
import { queries } from '../queries.ts';
import { download } from './uploads/download.ts';
import { statusWords, reasonWords } from './uploads/words.ts';

const PATH = '/api/uploads';
const MAX_BYTES = 25_000_000;
const ACCEPT = [
  '.png',
  '.jpg',
  '.jpeg',
  '.gif',
  '.webp',
  '.pdf',
  '.txt',
  '.csv',
  '.log',
  '.md',
  '.json',
  '.docx',
  '.xlsx',
  '.pptx',
  '.doc',
  '.xls',
  '.ppt',
  '.rtf',
  '.zip',
];

interface Sending {
  key: string;
  name: string;
  share: number;
  problem: unknown;
  abort: AbortController;
}

export default function Uploads() {
  const uploads = usePages<UploadState>(PATH);
  const remove = useAct((id: string) => act('DELETE', `${PATH}/${id}`), {
    changes: [PATH],
    done: () => 'The file is deleted.',
  });

  const columns: Column<UploadState>[] = [
    { header: 'File', cell: ({ originalName }) => <span className="long">{originalName}</span> },
    { header: 'Status', cell: (upload) => <Status upload={upload} /> },
    { header: 'Ticket', cell: ({ ticketId }) => ticketId },
    { header: 'Size', cell: ({ size }) => bytes(size) },
    { header: 'Sent', cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      header: '',
      cell: ({ id, status, originalName }) => (
        <Group gap="xs" justify="flex-end">
          {status === 'clean' && (
            <Button
              size="xs"
              variant="light"
              leftSection={<DownloadIcon />}
              aria-label={`Download: ${originalName}`}
              onClick={() => void download(id, originalName).catch(tellProblem)}
            >
              Download
            </Button>
          )}
          <Confirm
            label="Delete"
            about={originalName}
            question={`${originalName} will be deleted for good.`}
            onConfirm={() => remove.mutate(id)}
            isBusy={remove.isPending && remove.variables === id}
          />
        </Group>
      ),
    },
  ];

  return (
    <>
      <PageHead title="Uploads" about="Files are scanned before anybody can download them." />
      <Stack gap="lg">
        <Sender />
        <Records
          label="Uploads"
          columns={columns}
          query={uploads}
          keyOf={({ id }) => id}
          empty="Nothing was sent yet."
        />
      </Stack>
    </>
  );
}

/** Changes by itself as the file goes its way. */
function Status({ upload }: { upload: UploadState }) {
  const { id, status } = upload;
  const { word, tone } = statusWords(upload);
  const why = reasonWords(upload);
  const isOpen = status === 'quarantined' || status === 'scanning';
  useEffect(() => {
    if (!isOpen) return undefined;
    const abort = new AbortController();
    const onChange = (): void => void queries.invalidateQueries({ queryKey: [PATH] });
    client.waitForVerdict(id, { signal: abort.signal, onChange }).catch(() => undefined);
    return () => abort.abort();
  }, [id, isOpen]);
  return (
    <Stack gap={2} align="inherit" display="inline-flex">
      <span role="status">
        <StatusBadge tone={tone}>{word}</StatusBadge>
      </span>
      {why !== undefined && (
        <Text size="xs" c="dimmed">
          {why}
        </Text>
      )}
    </Stack>
  );
}

/** Where files are dropped, and what is on its way. */
function Sender() {
  const [ticketId, setTicketId] = useState('console');
  const [sending, setSending] = useState<readonly Sending[]>([]);
  const isTicket = /^[\w-]{1,64}$/.test(ticketId);

  const change = (key: string, next: Partial<Sending> | undefined): void =>
    setSending((before) =>
      before.flatMap((each) => (each.key !== key ? [each] : next === undefined ? [] : [{ ...each, ...next }])),
    );

  async function send(file: File): Promise<void> {
    const key = crypto.randomUUID();
    const abort = new AbortController();
    setSending((before) => [...before, { key, name: file.name, share: 0, problem: undefined, abort }]);
    try {
      await client.upload(file, {
        ticketId,
        idempotencyKey: key,
        signal: abort.signal,
        onProgress: ({ sentBytes, totalBytes }) =>
          change(key, { share: totalBytes === 0 ? 1 : sentBytes / totalBytes }),
      });
      change(key, undefined);
      await queries.invalidateQueries({ queryKey: [PATH] });
    } catch (problem) {
      change(key, abort.signal.aborted ? undefined : { problem });
    }
  }

  return (
    <Stack>
      <TextInput
        label="Ticket"
        description="What the files belong to: letters, digits, _ and -"
        value={ticketId}
        onChange={(event) => setTicketId(event.currentTarget.value)}
        error={isTicket ? undefined : 'Not a ticket'}
        maw={320}
      />
      <Dropzone
        onDrop={(files) => files.forEach((file) => void send(file))}
        onReject={(refused) => refused.forEach(({ file }) => tellProblem(tooLarge(file)))}
        maxSize={MAX_BYTES}
        disabled={!isTicket}
        inputProps={{ 'aria-label': 'Files to send', accept: ACCEPT.join(',') }}
        aria-label="Choose files, or drop them here"
      >
        <Group justify="center" gap="sm" mih={80} wrap="nowrap">
          <UploadIcon width={24} height={24} />
          <div>
            <Text>Drop files here, or choose them</Text>
            <Text size="sm" c="dimmed">
              Images, PDF, text, office documents and zip, up to 25 MB each
            </Text>
          </div>
        </Group>
      </Dropzone>
      {sending.map(({ key, name, share, problem, abort }) => (
        <Stack key={key} gap={4}>
          <Group justify="space-between" wrap="nowrap">
            <Text size="sm" className="long">
              {name}
            </Text>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => (problem === undefined ? abort.abort() : change(key, undefined))}
              aria-label={`${problem === undefined ? 'Cancel' : 'Dismiss'}: ${name}`}
            >
              {problem === undefined ? 'Cancel' : 'Dismiss'}
            </Button>
          </Group>
          {problem === undefined ? (
            <Progress value={share * 100} animated aria-label={`Sending ${name}`} />
          ) : (
            <ProblemAlert problem={problem} />
          )}
        </Stack>
      ))}
    </Stack>
  );
}

function tooLarge({ name }: File): ClientProblem {
  return new ClientProblem('too-large', `${name} is larger than ${bytes(MAX_BYTES)}`);
}
