import { Code, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { commandOf, exampleOf } from './example.ts';
import { Fields, fieldsOf } from './fields.tsx';
import type { Call, Content, Parameter } from './shapes.ts';
import { callerWords, noteWords, schemaOf, typesOf, typeWords } from './words.ts';

/** Everything that is known of one call. */
export function CallDetails({ call, server }: { call: Call; server: string }) {
  const { parameters = [], requestBody, responses } = call;
  const answers = Object.entries(responses);
  return (
    <Stack gap="md">
      <Text size="sm">{callerWords(call)}</Text>
      <Block label={`Command for ${call.operationId}`}>{commandOf(call, server)}</Block>
      {parameters.length > 0 && (
        <Part title="Parameters">
          <Fields label={`Parameters of ${call.operationId}`} fields={parameters.map(fieldOf)} />
        </Part>
      )}
      {requestBody !== undefined && (
        <Part title={`Body: ${typesOf(requestBody.content)}`} about={requestBody.description}>
          <Shape label={`Body of ${call.operationId}`} content={requestBody.content} />
        </Part>
      )}
      {answers
        .filter(([status]) => Number(status) < 400)
        .map(([status, { description, content }]) => (
          <Part key={status} title={`${status} ${typesOf(content)}`} about={description}>
            <Shape label={`${status} of ${call.operationId}`} content={content} withExample />
          </Part>
        ))}
      <Part title="Problems">
        {answers
          .filter(([status]) => Number(status) >= 400)
          .map(([status, { description }]) => (
            <Text key={status} size="sm" className="long problems">
              {`${status}  ${description.replaceAll('`', '').replaceAll('\n', `\n${' '.repeat(5)}`)}`}
            </Text>
          ))}
      </Part>
    </Stack>
  );
}

function Part({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <div>
      <Title order={4} size="h6" className="long">
        {title}
      </Title>
      {about !== undefined && (
        <Text size="sm" c="dimmed" mb={4}>
          {about.replaceAll('`', '')}
        </Text>
      )}
      {children}
    </div>
  );
}

function Shape({
  label,
  content,
  withExample = false,
}: {
  label: string;
  content: Content | undefined;
  withExample?: boolean;
}) {
  const schema = schemaOf(content);
  if (schema === undefined) return null;
  const fields = fieldsOf(schema);
  return (
    <Stack gap="xs">
      {fields.length === 0 ? <Text size="sm">{typeWords(schema)}</Text> : <Fields label={label} fields={fields} />}
      {withExample && <Block label={`Example: ${label}`}>{JSON.stringify(exampleOf(schema), null, 2)}</Block>}
    </Stack>
  );
}

/** Text that keeps its lines; it scrolls in itself, so the keyboard must reach it. */
function Block({ label, children }: { label: string; children: string }) {
  return (
    <Code block tabIndex={0} role="region" aria-label={label} className="sample">
      {children}
    </Code>
  );
}

function fieldOf({ name, in: place, required = false, description, schema }: Parameter) {
  const note = [`in the ${place}`, description, noteWords(schema)].filter(Boolean).join('; ');
  return { name, type: typeWords(schema), isRequired: required, note };
}
