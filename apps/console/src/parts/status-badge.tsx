import { Badge } from '@mantine/core';

export type Tone = 'good' | 'bad' | 'busy' | 'odd' | 'plain';

const COLORS: Record<Tone, string> = { good: 'green', bad: 'red', busy: 'blue', odd: 'yellow', plain: 'gray' };

/** A state in one word. Its colour only repeats what the word says. */
export function StatusBadge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <Badge color={COLORS[tone]} variant="light" tt="none" miw="max-content">
      {children}
    </Badge>
  );
}
