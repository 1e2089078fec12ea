import { Center, Loader, Stack } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useMe } from './me.ts';
import { PageBoundary } from './parts/page-boundary.tsx';
import { ProblemAlert } from './parts/problem-alert.tsx';
import { SignIn } from './sign-in.tsx';

/** Most of the components are of no use to whoever is not signed in yet. */
const Frame = lazy(() => import('./frame.tsx'));

export function App() {
  const me = useMe();
  if (me.state === 'loading') return <Waiting />;
  if (me.state === 'out') return <SignIn reason={me.reason} />;
  if (me.state === 'unknown') {
    return (
      <Center mih="100vh" p="md">
        <Stack maw={480}>
          <ProblemAlert problem={me.problem} onRetry={me.retry} />
        </Stack>
      </Center>
    );
  }
  return (
    <PageBoundary>
      <Suspense fallback={<Waiting />}>
        <Frame user={me.user} />
      </Suspense>
    </PageBoundary>
  );
}

function Waiting() {
  return (
    <Center mih="100vh">
      <Loader aria-label="Loading" role="status" />
    </Center>
  );
}
