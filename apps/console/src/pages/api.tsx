import '@mantine/core/styles/Accordion.css';
import './api/api.css';
import { Accordion, Anchor, Badge, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../api.ts';
import { Loading } from '../parts/loading.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { ProblemAlert } from '../parts/problem-alert.tsx';
import { Section } from '../parts/section.tsx';
import { useSearch } from '../router.tsx';
import { CallDetails } from './api/call-details.tsx';
import type { ApiDocument, Call } from './api/shapes.ts';

const PATH = '/api/openapi.json';
const COLORS: Record<string, string> = { get: 'blue', post: 'green', patch: 'yellow', delete: 'red' };

/** The description that the server gives of itself, to be read by people. */
export default function Api() {
  const [search, setSearch] = useSearch();
  const wanted = search.get('find') ?? '';
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [PATH],
    queryFn: ({ signal }) => read<ApiDocument>(PATH, {}, signal),
    staleTime: Infinity,
  });
  return (
    <>
      <PageHead title="API" about="Everything that this server answers, from the schemas it checks with.">
        <Anchor href={PATH} target="_blank" rel="noreferrer" size="sm">
          OpenAPI 3.1
        </Anchor>
      </PageHead>
      <Stack gap="lg">
        <ProblemAlert problem={error} onRetry={() => void refetch()} />
        {isPending && <Loading />}
        {data !== undefined && (
          <>
            <Authentication document={data} />
            <TextInput
              label="Find a call"
              type="search"
              value={wanted}
              onChange={({ currentTarget }) => setSearch({ find: currentTarget.value })}
            />
            <Calls document={data} wanted={wanted} />
          </>
        )}
      </Stack>
    </>
  );
}

function Authentication({ document }: { document: ApiDocument }) {
  const { accessToken, apiToken } = document.components.securitySchemes;
  return (
    <Section title="Authentication">
      <Stack gap={4}>
        <Text size="sm">
          Every call but those for anyone needs the header <code className="long">authorization: Bearer</code> with one
          of:
        </Text>
        <Text size="sm">An access token. {accessToken?.description}</Text>
        <Text size="sm" className="long">
          An API token. {apiToken?.description}
        </Text>
        <Text size="sm">{document.info.description.replaceAll('`', '')}</Text>
      </Stack>
    </Section>
  );
}

function Calls({ document, wanted }: { document: ApiDocument; wanted: string }) {
  const [opened, setOpened] = useState<string[]>([]);
  const server = document.servers[0]?.url ?? '';
  const found = callsOf(document).filter((call) => isMeant(call, wanted));
  if (found.length === 0) return <Text c="dimmed">No call is like that.</Text>;
  return document.tags.map(({ name, description }) => {
    const calls = found.filter(({ tags }) => tags.includes(name));
    if (calls.length === 0) return null;
    return (
      <Section key={name} title={name}>
        <Text size="sm" c="dimmed" mb="xs">
          {description}
        </Text>
        <Accordion multiple variant="contained" order={3} value={opened} onChange={setOpened}>
          {calls.map((call) => (
            <Accordion.Item key={call.operationId} value={call.operationId}>
              <Accordion.Control>
                <Group gap="xs">
                  <Badge color={COLORS[call.method] ?? 'gray'} variant="light" w={72}>
                    {call.method}
                  </Badge>
                  <code className="long path">{call.path}</code>
                  <Text size="sm" c="dimmed" component="span">
                    {call.summary.replaceAll('`', '')}
                  </Text>
                </Group>
              </Accordion.Control>
              <Accordion.Panel>
                {opened.includes(call.operationId) && <CallDetails call={call} server={server} />}
              </Accordion.Panel>
            </Accordion.Item>
          ))}
        </Accordion>
      </Section>
    );
  });
}

function callsOf({ paths }: ApiDocument): Call[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path })),
  );
}

function isMeant({ method, path, summary, operationId }: Call, wanted: string): boolean {
  const text = `${method} ${path} ${summary} ${operationId}`.toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
