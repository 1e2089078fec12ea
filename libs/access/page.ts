/** Which part of a list is wanted: items after the one that `cursor` names, `limit` of them. */
export interface PageQuery {
  limit: number;
  /** The id of the last item that was seen. */
  cursor?: string | undefined;
}

export interface Page<Item> {
  items: Item[];
  /** Null on the last page. */
  nextCursor: string | null;
}

/** The page that `limit + 1` rows make: the one too many says that there is a next page. */
export function pageOf<Item extends { id: string }>(rows: readonly Item[], { limit }: PageQuery): Page<Item> {
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
