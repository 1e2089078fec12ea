import { Modal, type ModalProps } from '@mantine/core';

/** Mantine's modal; its header is no second banner of the page to screen readers, and its button has a name. */
export function Dialog(props: ModalProps) {
  return <Modal closeButtonProps={{ 'aria-label': 'Close' }} attributes={{ header: { role: 'none' } }} {...props} />;
}
