import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';

export interface ConfirmProps {
  /** On the button, and again on the one that does it. */
  label: string;
  question: string;
  onConfirm: () => void;
  /** For screen readers, where the label alone does not say of what. */
  about?: string;
  isBusy?: boolean;
  isMild?: boolean;
  children?: ReactNode;
}

/** A button whose act is asked about first. */
export function Confirm({ label, question, onConfirm, about, isBusy = false, isMild = false, children }: ConfirmProps) {
  const [isOpen, { open, close }] = useDisclosure();
  const color = isMild ? undefined : 'red';
  return (
    <>
      <Button
        size="xs"
        variant="light"
        {...(color === undefined ? {} : { color })}
        loading={isBusy}
        onClick={open}
        {...(about === undefined ? {} : { 'aria-label': `${label}: ${about}` })}
      >
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={label}>
        <Stack>
          <Text size="sm">{question}</Text>
          {children}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Cancel
            </Button>
            <Button
              {...(color === undefined ? {} : { color })}
              onClick={() => {
                close();
                onConfirm();
              }}
            >
              {label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
