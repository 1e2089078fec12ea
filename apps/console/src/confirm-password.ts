import { useSyncExternalStore } from 'react';
import { ClientProblem } from '#client/problem.ts';

export interface Question {
  resolve: () => void;
  reject: (error: unknown) => void;
}

let question: Question | undefined;
const listeners = new Set<() => void>();

function set(next: Question | undefined): void {
  question = next;
  listeners.forEach((listener) => listener());
}

/** Asks for the password and renews the sign-in with it. Rejects where it is given up. */
export function confirmPassword(): Promise<void> {
  question?.reject(cancelled());
  return new Promise((resolve, reject) => set({ resolve, reject }));
}

function cancelled(): ClientProblem {
  return new ClientProblem('cancelled', 'Not done, since the password was not confirmed');
}

/** The question that waits for an answer, for the dialog that asks it, and how to end it. */
export function useQuestion(): { question: Question | undefined; answer: () => void; giveUp: () => void } {
  const asked = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => question,
  );
  return {
    question: asked,
    answer() {
      set(undefined);
      asked?.resolve();
    },
    giveUp() {
      set(undefined);
      asked?.reject(cancelled());
    },
  };
}
