import { notifications } from '@mantine/notifications';
import { ClientProblem } from '#client/problem.ts';
import { wordsOf } from './problem-alert.tsx';

export function tell(message: string): void {
  notifications.show({ message, color: 'green', role: 'status' });
}

/** A failure of something that has no place of its own on the page. */
export function tellProblem(problem: unknown): void {
  if (problem instanceof ClientProblem && problem.code === 'signed-out') return;
  const { title, detail } = wordsOf(problem);
  notifications.show({ title, message: detail ?? '', color: 'red', autoClose: 10_000 });
}
