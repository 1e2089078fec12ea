import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { readComposeFile } from '#testing/compose-file.ts';
import { processes } from '#testing/processes.ts';
import { readPromql } from '#testing/promql.ts';
import { repository } from '#testing/repository.ts';
import { sourceSettings } from '#webhooks/source-settings.ts';

const reference = z.strictObject({ name: z.literal('portcullis'), key: z.string() });
const hardened = z.strictObject({
  allowPrivilegeEscalation: z.literal(false),
  readOnlyRootFilesystem: z.literal(true),
  capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
});
const probe = z.looseObject({ httpGet: z.strictObject({ path: z.string(), port: z.literal('http') }).optional() });
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()),
  securityContext: hardened,
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })).default([]),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string(), subPath: z.string().optional() })),
  env: z
    .array(
      z.strictObject({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z
          .strictObject({ secretKeyRef: reference.optional(), configMapKeyRef: reference.optional() })
          .optional(),
      }),
    )
    .default([]),
});
const pod = z.looseObject({
  automountServiceAccountToken: z.literal(false),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().positive(),
    fsGroup: z.int().positive(),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.tuple([container]),
  volumes: z.array(z.looseObject({ name: z.string() })),
});
const claim = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ accessModes: z.tuple([z.literal('ReadWriteOnce')]) }),
});
const workload = z.looseObject({
  kind: z.enum(['Job', 'Deployment', 'StatefulSet']),
  metadata: z.object({ name: z.string() }),
  spec: z.looseObject({
    volumeClaimTemplates: z.array(claim).default([]),
    template: z.object({ metadata: z.object({ labels: z.object({ app: z.string() }) }), spec: pod }),
  }),
});
const scaler = z.object({
  spec: z.object({
    scaleTargetRef: z.object({ name: z.string() }),
    minReplicaCount: z.int().min(2),
    maxReplicaCount: z.int(),
    triggers: z.tuple([
      z.object({
        type: z.literal('prometheus'),
        metricType: z.literal('Value'),
        metadata: z.object({ serverAddress: z.url(), query: z.string(), threshold: z.string().regex(/^\d+$/) }),
      }),
    ]),
  }),
});

interface Item {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec?: { selector?: Record<string, string>; ports?: { targetPort?: string }[]; scaleTargetRef?: { name: string } };
}

const items = globSync('docs/ops/kubernetes/*.yaml', { cwd: repository }).flatMap((path) =>
  parseAllDocuments(readFileSync(`${repository}/${path}`, 'utf8')).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Item;
  }),
);
const ofKind = (kind: string): Item[] => items.filter((item) => item.kind === kind);
const workloads = items
  .filter(({ kind }) => ['Job', 'Deployment', 'StatefulSet'].includes(kind))
  .map((item) => {
    const { metadata, spec } = workload.parse(item);
    const [only] = spec.template.spec.containers;
    const claims = spec.volumeClaimTemplates.map((each) => each.metadata.name);
    return { ...only, name: metadata.name, pod: spec.template.spec, labels: spec.template.metadata.labels, claims };
  });
const ours = workloads.filter(({ name }) => name in processes);
const page = readFileSync(`${repository}/docs/ops/scaling.md`, 'utf8');
const secretKeys = new Set([...page.matchAll(/--from-file=(\w+)/g)].map(([, key]) => key));
const { services } = readComposeFile().file;

it('has each program, and the scanner', () => {
  expect(workloads.map(({ name }) => name).toSorted()).toEqual(['board', 'clamav', 'ingress', 'migrate', 'worker']);
});

describe.each(workloads)('$name', ({ name, image, command, volumeMounts, labels, claims, pod: { volumes } }) => {
  it('runs the image and command of docker-compose.yml', () => {
    const service = services[name];
    expect(image).toBe(service?.image);
    expect(command).toEqual(service?.entrypoint ?? service?.command);
    expect(labels.app).toBe(name);
  });

  it('writes to volumes that it has', () => {
    const named = [...volumes.map((volume) => volume.name), ...claims];
    expect(volumeMounts.filter((mount) => !named.includes(mount.name))).toEqual([]);
    expect(volumeMounts.map(({ mountPath }) => mountPath)).toContain('/tmp');
  });
});

describe.each(ours)('$name', ({ name, env, ports, livenessProbe, readinessProbe }) => {
  const settings = processes[name] ?? {};

  it('sets what it reads, and nothing else', () => {
    const unknown = env.filter((each) => !(each.name in settings) && !(each.name in sourceSettings));
    expect(unknown.map((each) => each.name)).toEqual([]);
  });

  it('sets all that has no default', () => {
    const required = Object.keys(settings).filter(
      (setting) => settings[setting]?.safeParse(undefined).success === false,
    );
    const set = new Set(env.map((each) => each.name));
    expect(required.filter((setting) => !set.has(setting))).toEqual([]);
  });

  it('gives values that its settings take', () => {
    const wrong = env.filter(
      ({ name: setting, value }) => value !== undefined && !settings[setting]?.safeParse(value).success,
    );
    expect(wrong).toEqual([]);
  });

  it('takes secrets and settings from where they are', () => {
    const config = ofKind('ConfigMap')[0]?.data ?? {};
    const missing = env.filter(({ value, valueFrom }) => {
      if (valueFrom?.secretKeyRef !== undefined) return !secretKeys.has(valueFrom.secretKeyRef.key);
      if (valueFrom?.configMapKeyRef !== undefined) return !(valueFrom.configMapKeyRef.key in config);
      return value === undefined;
    });
    expect(missing).toEqual([]);
  });

  it.skipIf(ports.length === 0)('is asked how it is where it listens', () => {
    expect(livenessProbe?.httpGet?.path).toBe('/livez');
    expect(readinessProbe?.httpGet?.path).toBe('/readyz');
    const port = env.find(({ name: setting }) => ['PORT', 'WORKER_PORT', 'BOARD_PORT'].includes(setting));
    expect(ports).toEqual([{ name: 'http', containerPort: Number(port?.value) }]);
  });
});

it('gives each ingress a spool that no other has', () => {
  const spools = workloads.flatMap(({ name, claims, volumeMounts }) =>
    volumeMounts
      .filter(({ mountPath }) => mountPath === '/data/spool')
      .map((mount) => [name, claims.includes(mount.name)]),
  );
  expect(spools).toEqual([['ingress', true]]);
});

it('has ports where there is a server', () => {
  expect(ours.filter(({ ports }) => ports.length === 0).map(({ name }) => name)).toEqual(['migrate']);
});

it('gives out settings that the ingress and the worker take', () => {
  const all = { ...processes['ingress'], ...processes['worker'] };
  for (const [name, value] of Object.entries(ofKind('ConfigMap')[0]?.data ?? {})) {
    expect([name, all[name]?.safeParse(value).success]).toEqual([name, true]);
  }
});

it('uses every secret that the page makes', () => {
  const used = new Set(ours.flatMap(({ env }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.key ?? [])));
  expect(used).toEqual(secretKeys);
});

it('points services, budgets and scalers at what is there', () => {
  const names = new Set(workloads.map(({ name }) => name));
  const services = ofKind('Service');
  expect(services.length).toBeGreaterThan(2);
  for (const { spec } of services) {
    const target = workloads.find(({ name }) => name === spec?.selector?.['app']);
    expect(target?.ports.map(({ name }) => name)).toContain(spec?.ports?.[0]?.targetPort);
  }
  const targets = [...ofKind('ScaledObject'), ...ofKind('HorizontalPodAutoscaler')].map(
    ({ spec }) => spec?.scaleTargetRef?.name,
  );
  expect(new Set(targets)).toEqual(new Set(['ingress', 'worker']));
  expect(targets.filter((name) => !names.has(name ?? ''))).toEqual([]);
});

it('scales workers by the age that the alert rules look at', () => {
  const [item] = ofKind('ScaledObject');
  const { triggers, scaleTargetRef, minReplicaCount, maxReplicaCount } = scaler.parse(item).spec;
  expect(scaleTargetRef.name).toBe('worker');
  expect(maxReplicaCount).toBeGreaterThan(minReplicaCount);
  const { matchers } = readPromql(triggers[0].metadata.query);
  expect(matchers).toEqual([
    { metric: 'portcullis_oldest_open_seconds', label: 'table', operator: '=', value: 'receipts' },
  ]);
  const rules = readFileSync(`${repository}/docs/ops/prometheus-rules.yml`, 'utf8');
  expect(rules).toContain(triggers[0].metadata.query);
});
