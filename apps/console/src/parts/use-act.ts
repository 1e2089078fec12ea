import { useMutation } from '@tanstack/react-query';
import { queries } from '../queries.ts';
import { tell, tellProblem } from './tell.ts';

export interface ActOptions<R> {
  /** Lists that are other than before, by their paths. */
  changes: readonly string[];
  done?: (result: R) => string | undefined;
  /** Where the failure is shown in place. */
  isQuiet?: boolean;
}

/** An act of the reader's: told about when it is done or fails, and the lists it changes are read again. */
export function useAct<A, R>(run: (argument: A) => Promise<R>, { changes, done, isQuiet = false }: ActOptions<R>) {
  return useMutation({
    mutationFn: run,
    onSuccess: async (result) => {
      const message = done?.(result);
      if (message !== undefined) tell(message);
      await Promise.all(changes.map((path) => queries.invalidateQueries({ queryKey: [path] })));
    },
    onError: isQuiet ? () => undefined : tellProblem,
  });
}
