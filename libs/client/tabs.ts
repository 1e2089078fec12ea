import type { ChannelPort, Platform } from './platform.ts';

/** What tabs tell each other: never a token. */
export type TabNotice =
  | { type: 'signed-in' }
  | { type: 'refreshed' }
  | { type: 'signed-out'; sessionId: string; reason: string };

export interface Tabs {
  tell(notice: TabNotice): void;
  close(): void;
}

/** Works as well where there is nobody to tell. */
export function openTabs(
  { openChannel }: Pick<Platform, 'openChannel'>,
  name: string,
  onNotice: (notice: TabNotice) => void,
): Tabs {
  let channel: ChannelPort | undefined;
  try {
    channel = openChannel?.(name);
  } catch {
    // There is nobody to tell.
  }
  channel?.unref?.();
  channel?.addEventListener('message', ({ data }) => onNotice(data as TabNotice));
  return {
    tell: (notice) => channel?.postMessage(notice),
    close: () => channel?.close(),
  };
}
