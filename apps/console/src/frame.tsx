import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Image,
  Menu,
  NavLink,
  ScrollArea,
  Text,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  ActivityLogIcon,
  DashboardIcon,
  EnvelopeClosedIcon,
  ExitIcon,
  LaptopIcon,
  LockClosedIcon,
  MoonIcon,
  PersonIcon,
  Pencil2Icon,
  SunIcon,
  UploadIcon,
} from '@radix-ui/react-icons';
import { Notifications } from '@mantine/notifications';
import '@mantine/notifications/styles.css';
import { lazy, Suspense, useEffect, type ComponentType } from 'react';
import { client } from './api.ts';
import icon from './icon.svg';
import type { User } from './me.ts';
import { Loading } from './parts/loading.tsx';
import { PageBoundary } from './parts/page-boundary.tsx';
import { ChangePassword } from './parts/change-password.tsx';
import { tellProblem } from './parts/tell.ts';
import { StepUp } from './step-up.tsx';
import { Link, usePath } from './router.tsx';

interface Place {
  path: string;
  label: string;
  icon: ComponentType;
  page: ComponentType<{ user: User }>;
  isForAdmins: boolean;
}

const places: readonly Place[] = [
  {
    path: '/overview',
    label: 'Overview',
    icon: DashboardIcon,
    isForAdmins: true,
    page: lazy(() => import('./pages/overview.tsx')),
  },
  {
    path: '/receipts',
    label: 'Receipts',
    icon: EnvelopeClosedIcon,
    isForAdmins: true,
    page: lazy(() => import('./pages/receipts.tsx')),
  },
  {
    path: '/security-events',
    label: 'Security events',
    icon: ActivityLogIcon,
    isForAdmins: true,
    page: lazy(() => import('./pages/security-events.tsx')),
  },
  {
    path: '/users',
    label: 'Users',
    icon: PersonIcon,
    isForAdmins: true,
    page: lazy(() => import('./pages/users.tsx')),
  },
  {
    path: '/tokens',
    label: 'API tokens',
    icon: LockClosedIcon,
    isForAdmins: true,
    page: lazy(() => import('./pages/tokens.tsx')),
  },
  {
    path: '/uploads',
    label: 'Uploads',
    icon: UploadIcon,
    isForAdmins: false,
    page: lazy(() => import('./pages/uploads.tsx')),
  },
  {
    path: '/sessions',
    label: 'My sessions',
    icon: LaptopIcon,
    isForAdmins: false,
    page: lazy(() => import('./pages/sessions.tsx')),
  },
];

/** What surrounds every page of somebody who is signed in. */
export default function Frame({ user }: { user: User }) {
  const [isOpen, { toggle, close }] = useDisclosure();
  const path = usePath();
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
      <Notifications position="top-right" />
      <StepUp />
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
          <Group gap="xs" wrap="nowrap">
            <ColorScheme />
            <Account user={user} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Pages">
        <ScrollArea>
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
        </ScrollArea>
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

function ColorScheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label="Colours">
          {colorScheme === 'dark' ? <MoonIcon /> : <SunIcon />}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(['light', 'dark', 'auto'] as const).map((scheme) => (
          <Menu.Item key={scheme} onClick={() => setColorScheme(scheme)} fw={scheme === colorScheme ? 700 : 400}>
            {{ light: 'Light', dark: 'Dark', auto: 'As the system has it' }[scheme]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Account({ user }: { user: User }) {
  const [isChanging, { open, close }] = useDisclosure();
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <UnstyledButton aria-label={`Account of ${user.name}`}>
            <Group gap="xs" wrap="nowrap">
              <PersonIcon />
              <Text size="sm" visibleFrom="xs">
                {user.name}
              </Text>
            </Group>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label className="long">
            {user.email} · {user.role}
          </Menu.Label>
          <Menu.Item leftSection={<Pencil2Icon />} onClick={open}>
            Change password
          </Menu.Item>
          <Menu.Item leftSection={<ExitIcon />} onClick={() => void client.logout().catch(tellProblem)}>
            Sign out
          </Menu.Item>
          <Menu.Item leftSection={<ExitIcon />} color="red" onClick={() => void client.logoutAll().catch(tellProblem)}>
            Sign out everywhere
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ChangePassword opened={isChanging} onClose={close} />
    </>
  );
}
