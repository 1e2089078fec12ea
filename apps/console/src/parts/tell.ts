import type { NotificationData } from '@mantine/notifications';
import { useSyncExternalStore } from 'react';
import { ClientProblem } from '#client/problem.ts';
import { wordsOf } from './problem-alert.tsx';

let hasTold = false;
const listeners = new Set<() => void>();

/** Whether there is anything to show in the corner of the page, which is loaded only then. */
export function useHasTold(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => hasTold,
  );
}

async function show(notification: NotificationData): Promise<void> {
  const { notifications } = await import('@mantine/notifications');
  hasTold = true;
  listeners.forEach((listener) => listener());
  notifications.show(notification);
}

export function tell(message: string): void {
  void show({ message, color: 'green', role: 'status' });
}

/** A failure of something that has no place of its own on the page. */
export function tellProblem(problem: unknown): void {
  if (problem instanceof ClientProblem && problem.code === 'signed-out') return;
  const { title, detail } = wordsOf(problem);
  void show({ title, message: detail ?? '', color: 'red', autoClose: 10_000 });
}
