import { Button, Group, Stack } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';

/** The fields of a search; on a narrow screen they are shown when they are asked for. */
export function Filters({
  label,
  filter,
  onClear,
  children,
}: {
  /** For screen readers: what is searched. */
  label: string;
  filter: Record<string, string>;
  onClear: () => void;
  children: ReactNode;
}) {
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const [isOpen, { toggle }] = useDisclosure(false);
  const given = Object.values(filter).filter((value) => value !== '').length;
  return (
    <Stack mb="md" gap="sm" role="search" aria-label={label}>
      {isNarrow && (
        <Button variant="default" onClick={toggle} aria-expanded={isOpen}>
          {given === 0 ? 'Filters' : `Filters: ${given}`}
        </Button>
      )}
      {(!isNarrow || isOpen) && (
        <Group gap="sm" align="flex-end">
          {children}
          <Button variant="default" onClick={onClear} disabled={given === 0}>
            Clear
          </Button>
        </Group>
      )}
    </Stack>
  );
}
