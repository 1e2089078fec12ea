import { useSearch } from '../router.tsx';

/** A filter that stands in the query of the address: the text of each field, empty where nothing is asked for. */
export function useFilter<Field extends string>(fields: readonly Field[]) {
  const [search, setSearch] = useSearch();
  const filter = Object.fromEntries(fields.map((field) => [field, search.get(field) ?? ''])) as Record<Field, string>;
  return {
    filter,
    isFiltered: fields.some((field) => filter[field] !== ''),
    set: (field: Field) => (value: string | null) => setSearch({ ...filter, [field]: value ?? undefined }),
    clear: () => setSearch({}),
  };
}
