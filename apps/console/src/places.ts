import {
  ActivityLogIcon,
  CodeIcon,
  DashboardIcon,
  EnvelopeClosedIcon,
  LaptopIcon,
  LockClosedIcon,
  PersonIcon,
  UploadIcon,
} from '@radix-ui/react-icons';
import { lazy, type ComponentType } from 'react';
import type { User } from './me.ts';

/** A page of the console, in the order of the menu; it is loaded when it is gone to. */
export interface Place {
  path: string;
  label: string;
  icon: ComponentType;
  page: ComponentType<{ user: User }>;
  isForAdmins: boolean;
}

export const places: readonly Place[] = [
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
  {
    path: '/api',
    label: 'API',
    icon: CodeIcon,
    isForAdmins: false,
    page: lazy(() => import('./pages/api.tsx')),
  },
];
