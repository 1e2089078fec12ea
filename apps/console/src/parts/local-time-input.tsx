import { TextInput } from '@mantine/core';

/** A time in the reader's zone, given and told as ISO 8601 in UTC. */
export function LocalTimeInput({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (iso: string | null) => void;
}) {
  return (
    <TextInput
      className="wide-field"
      type="datetime-local"
      label={label}
      value={value === '' ? '' : localTextOf(new Date(value))}
      onChange={({ currentTarget }) => {
        const date = new Date(currentTarget.value);
        onChange(Number.isNaN(date.getTime()) ? null : date.toISOString());
      }}
    />
  );
}

function localTextOf(date: Date): string {
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
