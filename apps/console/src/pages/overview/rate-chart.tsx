import { AreaChart } from '@mantine/charts';
import '@mantine/charts/styles.css';

const timeText = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export interface RateSample {
  at: string;
  accepted: number;
  duplicate: number;
  refused: number;
}

/** Webhooks a second since the page was opened. */
export default function RateChart({ samples }: { samples: readonly RateSample[] }) {
  return (
    <figure className="chart" aria-label="Webhooks a second">
      <AreaChart
        h={200}
        data={samples.map(({ at, ...rates }) => ({ at: timeText.format(new Date(at)), ...rates }))}
        dataKey="at"
        curveType="monotone"
        withDots={false}
        withLegend
        series={[
          { name: 'accepted', color: 'teal.6' },
          { name: 'duplicate', color: 'gray.5' },
          { name: 'refused', color: 'red.6' },
        ]}
      />
    </figure>
  );
}
