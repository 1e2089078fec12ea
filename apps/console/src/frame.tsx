import './frame.css';
import { AppShell, Burger, Group, Image, NavLink, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { ExitIcon, Pencil2Icon } from '@radix-ui/react-icons';
import { lazy, Suspense, useEffect } from 'react';
import { client } from './api.ts';
import { useQuestion } from './confirm-password.ts';
import icon from './icon.svg';
import type { User } from './me.ts';
import { ColorScheme } from './parts/color-scheme.tsx';
import { Loading } from './parts/loading.tsx';
import { PageBoundary } from './parts/page-boundary.tsx';
import { tellProblem, useHasTold } from './parts/tell.ts';
import { places } from './places.ts';
import { Link, usePath } from './router.tsx';

/** Loaded when they are needed. */
const ChangePassword = lazy(() => import('./parts/change-password.tsx'));
const Toasts = lazy(() => import('./parts/toasts.tsx'));
const StepUp = lazy(() => import('./step-up.tsx'));

/** What surrounds every page of somebody who is signed in. */
export default function Frame({ user }: { user: User }) {
  const [isOpen, { toggle, close }] = useDisclosure();
  const path = usePath();
  const { question } = useQuestion();
  const hasTold = useHasTold();
  const mine = places.filter(({ isForAdmins }) => user.role === 'admin' || !isForAdmins);
  const place = path === '/' ? mine[0] : mine.find((each) => path === each.path || path.startsWith(`${each.path}/`));
  useEffect(() => {
    document.title = place === undefined ? 'Portcullis' : `${place.label} · Portcullis`;
    close();
  }, [place, close]);
  const Page = place?.page;

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      {hasTold && (
        <Suspense>
          <Toasts />
        </Suspense>
      )}
      {question !== undefined && (
        <Suspense>
          <StepUp />
        </Suspense>
      )}
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Menu"
              aria-expanded={isOpen}
            />
            <Image src={icon} alt="" w={26} h={26} />
            <Text fw={700}>Portcullis</Text>
          </Group>
          <ColorScheme />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Pages">
        <AppShell.Section grow className="scrolling">
          {mine.map((each) => (
            <NavLink
              key={each.path}
              component={Link}
              to={each.path}
              label={each.label}
              leftSection={<each.icon />}
              active={each === place}
              aria-current={each === place ? 'page' : undefined}
              onClick={close}
            />
          ))}
        </AppShell.Section>
        <AppShell.Section pt="sm">
          <Account user={user} />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main>
        <PageBoundary key={place?.path}>
          <Suspense fallback={<Loading />}>{Page === undefined ? <NotFound /> : <Page user={user} />}</Suspense>
        </PageBoundary>
      </AppShell.Main>
    </AppShell>
  );
}

function NotFound() {
  return (
    <Text>
      There is no such page. <Link to="/">Back to the start</Link>
    </Text>
  );
}

function Account({ user }: { user: User }) {
  const [isChanging, { open, close }] = useDisclosure();
  return (
    <>
      <Text size="sm" fw={600} px="sm">
        {user.name}
      </Text>
      <Text size="xs" c="dimmed" px="sm" mb="xs" className="long">
        {user.email} · {user.role}
      </Text>
      <NavLink component="button" label="Change password" leftSection={<Pencil2Icon />} onClick={open} />
      <NavLink
        component="button"
        label="Sign out"
        leftSection={<ExitIcon />}
        onClick={() => void client.logout().catch(tellProblem)}
      />
      <NavLink
        component="button"
        label="Sign out everywhere"
        leftSection={<ExitIcon />}
        onClick={() => void client.logoutAll().catch(tellProblem)}
      />
      {isChanging && (
        <Suspense>
          <ChangePassword onClose={close} />
        </Suspense>
      )}
    </>
  );
}
