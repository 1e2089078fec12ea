import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { lazy, Suspense } from 'react';

/** Loaded when it is asked for. */
const ConfirmDialog = lazy(() => import('./confirm-dialog.tsx'));

export interface ConfirmProps {
  /** On the button, and again on the one that does it. */
  label: string;
  question: string;
  onConfirm: () => void;
  /** For screen readers, where the label alone does not say of what. */
  about?: string;
  isBusy?: boolean;
  isMild?: boolean;
}

/** A button whose act is asked about first. */
export function Confirm({ label, question, onConfirm, about, isBusy = false, isMild = false }: ConfirmProps) {
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
      {isOpen && (
        <Suspense>
          <ConfirmDialog label={label} question={question} onConfirm={onConfirm} onClose={close} isMild={isMild} />
        </Suspense>
      )}
    </>
  );
}
