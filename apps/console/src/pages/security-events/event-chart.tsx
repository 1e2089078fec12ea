import { BarChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../api.ts';
import { Loading } from '../../parts/loading.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { hourly } from './hourly.ts';
import { EVENTS, type EventCount } from './shapes.ts';

interface Summary {
  from: string;
  to: string;
  items: EventCount[];
}

/** Events by hour and type; what is rare is put together. */
export default function EventChart({ from, to }: { from: string; to: string }) {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [EVENTS, 'summary', from, to],
    queryFn: ({ signal }) => read<Summary>(`${EVENTS}/summary`, { from, to }, signal),
    refetchInterval: 60_000,
  });
  if (isPending) return <Loading />;
  if (error !== null) return <ProblemAlert problem={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No events in this time.
      </Text>
    );
  }
  const { rows, series } = hourly(data.items, data.from, data.to);
  return (
    <figure className="chart" aria-label="Events by hour and type">
      <BarChart
        h={240}
        data={rows}
        dataKey="hour"
        type="stacked"
        series={series}
        withLegend
        tickLine="y"
        maxBarWidth={36}
      />
    </figure>
  );
}
