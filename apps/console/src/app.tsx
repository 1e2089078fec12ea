import { Center, Loader, Stack } from '@mantine/core';
import { lazy, Suspense, type ReactNode } from 'react';
import { useMe } from './me.ts';
import { PageBoundary } from './parts/page-boundary.tsx';
import { ProblemAlert } from './parts/problem-alert.tsx';
import { usePath } from './router.tsx';
import { SignIn } from './sign-in.tsx';

/** Most of the components are of no use to whoever is not signed in yet. */
const Frame = lazy(() => import('./frame.tsx'));
const SetPassword = lazy(() => import('./set-password.tsx'));

export function App() {
  return usePath() === '/reset' ? (
    <Loaded>
      <SetPassword />
    </Loaded>
  ) : (
    <Everything />
  );
}

/** What there is for whoever is signed in, and the way in for everybody else. */
function Everything() {
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
    <Loaded>
      <Frame user={me.user} />
    </Loaded>
  );
}

function Loaded({ children }: { children: ReactNode }) {
  return (
    <PageBoundary>
      <Suspense fallback={<Waiting />}>{children}</Suspense>
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
