import { Button, Group, Stack, Text } from '@mantine/core';
import { Dialog } from './dialog.tsx';

export interface ConfirmDialogProps {
  /** The title, and on the button that does it. */
  label: string;
  question: string;
  onConfirm: () => void;
  onClose: () => void;
  isMild: boolean;
}

export default function ConfirmDialog({ label, question, onConfirm, onClose, isMild }: ConfirmDialogProps) {
  function confirm(): void {
    onClose();
    onConfirm();
  }
  return (
    <Dialog opened onClose={onClose} title={label}>
      <Stack>
        <Text size="sm">{question}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button {...(isMild ? {} : { color: 'red' })} onClick={confirm}>
            {label}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
