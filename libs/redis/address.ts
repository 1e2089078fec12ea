import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

export interface RedisNode {
  host: string;
  port: number;
}

interface Access {
  username: string | undefined;
  password: string | undefined;
  /** Undefined is without TLS. Each server's certificate must be valid for its name. */
  tls: ConnectionOptions | undefined;
}

/** One server, as all masters are that a provider's one name stands for. */
export interface ServerAddress extends Access, RedisNode {
  kind: 'server';
  database: number;
}

/** Sentinels, which are asked for the master called `master` at every connecting. */
export interface SentinelAddress extends Access {
  kind: 'sentinel';
  sentinels: readonly RedisNode[];
  master: string;
  database: number;
  sentinelUsername: string | undefined;
  sentinelPassword: string | undefined;
}

/** Some of a cluster's servers, which name the others. */
export interface ClusterAddress extends Access {
  kind: 'cluster';
  nodes: readonly RedisNode[];
}

export type RedisAddress = ServerAddress | SentinelAddress | ClusterAddress;

const FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const TLS_FILES = ['ca', 'cert', 'key'] as const;
const TLS_FIELDS = [...TLS_FILES, 'servername'];
const SENTINEL_FIELDS = ['sentinelUsername', 'sentinelPassword'];
const MAX_DATABASE = 65_535;

/** Whether a URL is one of Redis, whatever else is wrong with it. */
export function isRedisUrl(url: string): boolean {
  return /^rediss?(?:\+\w+)?:/.test(url);
}

/**
 * Reads `redis://`, `redis+sentinel://host,host/master` or `redis+cluster://host,host`, each with `rediss` for TLS, and the
 * files that its fields `ca`, `cert` and `key` name.
 * @throws Error that says what is wrong, without the password
 */
export function readRedisUrl(url: string): RedisAddress {
  const [, secure, kind, authority = '', path = '', query = ''] = FORM.exec(url) ?? [];
  if (secure === undefined) {
    throw new Error(
      'must be redis://host, redis+sentinel://host,host/master or redis+cluster://host,host, or the same with rediss for TLS',
    );
  }
  const at = authority.lastIndexOf('@');
  const [username, ...password] = at < 0 ? [] : authority.slice(0, at).split(':');
  const fields = new URLSearchParams(query);
  for (const name of fields.keys()) refuseField(name, { isSecure: secure === 's', kind });
  const access: Access = {
    username: username === undefined || username === '' ? undefined : decodeURIComponent(username),
    password: password.length === 0 ? undefined : decodeURIComponent(password.join(':')),
    tls: secure === 's' ? readTls(fields) : undefined,
  };
  const hosts = authority.slice(at + 1).split(',');

  if (kind === 'cluster') {
    if (path !== '') throw new Error('a cluster has no numbered databases: leave the path out');
    return { kind, ...access, nodes: hosts.map((host) => readNode(host, 6_379)) };
  }
  if (kind === 'sentinel') {
    const [master = '', database] = path.split('/');
    if (master === '') throw new Error("must name the master after the sentinels' addresses, as in /mymaster");
    return {
      kind,
      ...access,
      sentinels: hosts.map((host) => readNode(host, 26_379)),
      master: decodeURIComponent(master),
      database: readDatabase(database),
      sentinelUsername: fields.get('sentinelUsername') ?? undefined,
      sentinelPassword: fields.get('sentinelPassword') ?? undefined,
    };
  }
  if (hosts.length > 1) throw new Error('several hosts need redis+sentinel:// or redis+cluster://');
  return { kind: 'server', ...access, ...readNode(hosts[0] ?? '', 6_379), database: readDatabase(path) };
}

function refuseField(name: string, { isSecure, kind }: { isSecure: boolean; kind: string | undefined }): void {
  if (TLS_FIELDS.includes(name)) {
    if (!isSecure) throw new Error(`${name} is for TLS: begin the URL with rediss`);
  } else if (!SENTINEL_FIELDS.includes(name) || kind !== 'sentinel') {
    const known = kind === 'sentinel' ? [...TLS_FIELDS, ...SENTINEL_FIELDS] : TLS_FIELDS;
    throw new Error(`does not know the field ${name}; known are ${known.join(', ')}`);
  }
}

function readNode(text: string, defaultPort: number): RedisNode {
  const address = `redis://${text}`;
  const { hostname, port, pathname } = URL.canParse(address)
    ? new URL(address)
    : { hostname: '', port: '', pathname: '' };
  if (hostname === '' || pathname !== '')
    throw new Error('must name its servers as host or host:port, with commas between');
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? defaultPort : Number(port) };
}

function readDatabase(text = ''): number {
  const database = Number(text);
  if (!/^\d{0,5}$/.test(text) || database > MAX_DATABASE) throw new Error('must name the database by its number');
  return database;
}

function readTls(fields: URLSearchParams): ConnectionOptions {
  const tls: ConnectionOptions = { minVersion: 'TLSv1.2' };
  const servername = fields.get('servername');
  if (servername !== null) tls.servername = servername;
  for (const name of TLS_FILES) {
    const path = fields.get(name);
    if (path !== null) tls[name] = readPem(name, path);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw new Error('needs both cert and key, or neither');
  return tls;
}

function readPem(name: string, path: string): string {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new Error(`can't read the file that ${name} names`);
  }
  if (!text.includes('-----BEGIN ')) throw new Error(`wants a PEM file for ${name}`);
  return text;
}
