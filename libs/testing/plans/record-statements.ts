import { createRequire } from 'node:module';
import { relative } from 'node:path';
import pg from 'pg';
import { repository } from '#testing/repository.ts';

/** One statement as the code sends it. */
export interface Statement {
  /** Empty if it is not prepared by a name. */
  name: string;
  text: string;
  values: unknown[];
  /** What its transaction had set before: a plan depends on it. */
  settings: string;
  /** The files of ours that asked for it, from the repository's root. */
  files: Set<string>;
}

export interface StatementRecord {
  statements(): Statement[];
  stop(): void;
}

type Query = (this: object, ...args: unknown[]) => unknown;

const FRAME = /((?:file:\/\/)?\/[^\s():]+\/(?:libs|apps)\/[^\s():?]+\.ts)/g;
const DEEP_STACK = 60;

/** Writes down every statement that this process sends by either of the drivers, ours and that of the mapper. */
export function recordStatements(): StatementRecord {
  const found = new Map<string, Statement>();
  const settings = new WeakMap<object, string>();
  const ofMapper = createRequire(createRequire(import.meta.url).resolve('@mikro-orm/postgresql'))('pg') as typeof pg;
  const limitBefore = Error.stackTraceLimit;
  Error.stackTraceLimit = DEEP_STACK;

  function note(connection: object, given: unknown, more: unknown): void {
    const {
      name = '',
      text,
      values = more,
    } = (typeof given === 'object' && given !== null ? given : { text: given }) as {
      name?: string;
      text?: unknown;
      values?: unknown;
    };
    if (typeof text !== 'string') return;
    if (/set local/i.test(text)) settings.set(connection, /set local.*/is.exec(text)?.[0] ?? '');
    if (/^\s*(?:commit|rollback)/i.test(text)) settings.delete(connection);
    const bound = Array.isArray(values) ? (values as unknown[]) : [];
    // What is null decides over a plan as the text does.
    const key = `${text} ${bound.map((value) => (value === null || value === undefined ? 0 : 1)).join('')}`;
    const known = found.get(key) ?? {
      name,
      text,
      values: bound,
      settings: settings.get(connection) ?? '',
      files: new Set<string>(),
    };
    found.set(key, known);
    for (const [, path = ''] of new Error().stack?.matchAll(FRAME) ?? []) {
      const file = relative(repository, path.replace(/^file:\/\//, ''));
      if (!/testing\/|\.test\./.test(file)) known.files.add(file);
    }
  }

  const restore: (() => void)[] = [];
  for (const { Client, Pool } of [pg, ofMapper]) {
    for (const owner of [Client.prototype, Pool.prototype] as { query: Query }[]) {
      const { query } = owner;
      owner.query = function (...args) {
        note(this, args[0], args[1]);
        return query.apply(this, args);
      };
      restore.push(() => {
        owner.query = query;
      });
    }
  }
  return {
    statements: () => [...found.values()],
    stop() {
      Error.stackTraceLimit = limitBefore;
      for (const undo of restore) undo();
    },
  };
}
