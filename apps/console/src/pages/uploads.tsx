import { Button, Group, Stack, Text } from '@mantine/core';
import { DownloadIcon } from '@radix-ui/react-icons';
import { useEffect } from 'react';
import type { UploadState } from '#client/wait-for-verdict.ts';
import { act, client } from '../api.ts';
import { bytes } from '../parts/amounts.ts';
import { Confirm } from '../parts/confirm.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { usePages } from '../parts/pages-of.ts';
import { Records } from '../parts/records.tsx';
import type { Column } from '../parts/records-view.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { tellProblem } from '../parts/tell.ts';
import { Time } from '../parts/time.tsx';
import { useAct } from '../parts/use-act.ts';
import { queries } from '../queries.ts';
import { download } from './uploads/download.ts';
import { SendFiles } from './uploads/send-files.tsx';
import { UPLOADS } from './uploads/shapes.ts';
import { statusWords, reasonWords } from './uploads/words.ts';

export default function Uploads() {
  const uploads = usePages<UploadState>(UPLOADS);
  const remove = useAct((id: string) => act('DELETE', `${UPLOADS}/${id}`), {
    changes: [UPLOADS],
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
        <SendFiles />
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
    const onChange = (): void => void queries.invalidateQueries({ queryKey: [UPLOADS] });
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
