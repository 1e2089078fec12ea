import { Text } from '@mantine/core';
import { PageHead } from '../parts/page-head.tsx';

export default function Overview() {
  return (
    <>
      <PageHead title="Overview" about="How it is going." />
      <Text>…</Text>
    </>
  );
}
