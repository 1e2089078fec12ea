import { readFileSync } from 'node:fs';
import { repository } from '#testing/repository.ts';

export interface DocumentedSetting {
  /** A name, or a pattern such as `WEBHOOK_SECRET_<S>`. */
  name: string;
  /** The default; empty where there is none. */
  value: string;
  /** What it means, in prose. */
  comment: string;
}

const SETTING = /^(?:# )?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?:_<[A-Z]+>)?)=(.*)$/;

/** The settings that .env.example documents, in order; neighbours share the comment above them. */
export function documentedSettings(): DocumentedSetting[] {
  const settings: DocumentedSetting[] = [];
  let comment: string[] = [];
  for (const line of readFileSync(`${repository}/.env.example`, 'utf8').split('\n')) {
    const [, name, value] = SETTING.exec(line) ?? [];
    if (line === '') comment = [];
    else if (name === undefined || value === undefined) comment.push(line.slice(2));
    else settings.push({ name, value, comment: comment.join(' ') });
  }
  return settings;
}
