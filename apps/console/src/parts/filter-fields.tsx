import { Select, TextInput } from '@mantine/core';

interface FieldProps {
  label: string;
  /** Empty where nothing is asked for. */
  value: string;
  onChange: (value: string | null) => void;
}

export function TextFilter({ label, value, onChange }: FieldProps) {
  return (
    <TextInput
      className="wide-field"
      label={label}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}

/** One of several values, or any. */
export function ChoiceFilter({
  label,
  data,
  value,
  onChange,
}: FieldProps & { data: readonly (string | { value: string; label: string })[] }) {
  return (
    <Select
      className="wide-field"
      label={label}
      data={data}
      value={value || null}
      onChange={onChange}
      placeholder="Any"
      searchable={data.length > SHORT}
      clearable
      clearButtonProps={{ 'aria-label': `Any ${label.toLowerCase()}` }}
    />
  );
}

/** Of so many values the right one is seen without a search. */
const SHORT = 10;
