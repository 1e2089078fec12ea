import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { repository } from '#testing/repository.ts';

const command = z.array(z.string());

const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile_inline: z.string() }).optional(),
  entrypoint: command.optional(),
  command: command.optional(),
  user: z.string(),
  init: z.literal(true),
  read_only: z.literal(true),
  tmpfs: z.array(z.string()),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  logging: z.strictObject({ driver: z.literal('local') }),
  restart: z.enum(['no', 'unless-stopped']),
  stop_grace_period: z.string().optional(),
  mem_limit: z.string(),
  shm_size: z.string().optional(),
  pids_limit: z.int().positive(),
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  volumes: z.array(z.string()).default([]),
  env_file: z.array(z.strictObject({ path: z.string(), required: z.literal(false) })).optional(),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .default({}),
  healthcheck: z
    .strictObject({
      test: command,
      interval: z.string(),
      timeout: z.string(),
      retries: z.int(),
      start_period: z.string(),
      start_interval: z.string(),
    })
    .optional(),
});

/** The shape that every service must have: nothing that hardens a container can be left out, nothing unknown added. */
const composeFile = z.strictObject({
  name: z.literal('portcullis'),
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean().default(false) }).nullable()),
  volumes: z.record(z.string(), z.null()),
});

export type ComposeService = z.infer<typeof service>;

/** docker-compose.yml with its anchors resolved and its extension fields taken away. */
export function readComposeFile(): { text: string; file: z.infer<typeof composeFile> } {
  const text = readFileSync(`${repository}/docker-compose.yml`, 'utf8');
  const parsed = Object.entries(parse(text, { merge: true }) as Record<string, unknown>);
  return { text, file: composeFile.parse(Object.fromEntries(parsed.filter(([key]) => !key.startsWith('x-')))) };
}
