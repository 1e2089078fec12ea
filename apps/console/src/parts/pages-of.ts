import { useInfiniteQuery } from '@tanstack/react-query';
import { read, type Page, type Query } from '../api.ts';

export interface PagesOptions {
  /** Asked again after so long, while the page is looked at. */
  everyMs?: number;
}

/** A list of the API, page after page. Its key begins with the path. */
export function usePages<T>(path: string, query: Query = {}, { everyMs }: PagesOptions = {}) {
  return useInfiniteQuery({
    queryKey: [path, query],
    queryFn: ({ pageParam, signal }) => read<Page<T>>(path, { ...query, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
}
