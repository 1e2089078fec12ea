import { Button, Group, Progress, Stack, Text, TextInput } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import '@mantine/dropzone/styles.css';
import { UploadIcon } from '@radix-ui/react-icons';
import { useState } from 'react';
import { ClientProblem } from '#client/problem.ts';
import { client } from '../../api.ts';
import { bytes } from '../../parts/amounts.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { tellProblem } from '../../parts/tell.ts';
import { queries } from '../../queries.ts';
import { UPLOADS } from './shapes.ts';

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

/** Where files are dropped, and what is on its way. */
export function SendFiles() {
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
      await queries.invalidateQueries({ queryKey: [UPLOADS] });
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
