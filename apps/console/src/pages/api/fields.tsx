import { RecordsView, type Column } from '../../parts/records-view.tsx';
import type { Schema } from './shapes.ts';
import { noteWords, typeWords } from './words.ts';

export interface Field {
  name: string;
  type: string;
  isRequired: boolean;
  note: string;
}

const columns: Column<Field>[] = [
  { header: 'Name', cell: ({ name, isRequired }) => <code>{isRequired ? name : `${name}?`}</code> },
  { header: 'What', cell: ({ type }) => <span className="long">{type}</span> },
  { header: 'Note', cell: ({ note }) => <span className="long">{note}</span> },
];

/** The members of an object and of those in it, by their paths. Those that may be left out have a question mark. */
export function Fields({ label, fields }: { label: string; fields: readonly Field[] }) {
  const shown = fields.every(({ note }) => note === '') ? columns.slice(0, -1) : columns;
  return <RecordsView label={label} columns={shown} items={fields} keyOf={({ name }) => name} />;
}

export function fieldsOf(schema: Schema, prefix = ''): Field[] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, member]) => [
    {
      name: prefix + name,
      type: typeWords(member),
      isRequired: required.includes(name),
      note: noteWords(member),
    },
    ...membersOf(member, prefix + name),
  ]);
}

function membersOf(schema: Schema, name: string): Field[] {
  if (schema.items !== undefined) return membersOf(schema.items, `${name}[]`);
  const object = [schema, ...(schema.anyOf ?? [])].find(({ properties }) => properties !== undefined);
  return object === undefined ? [] : fieldsOf(object, `${name}.`);
}
