import { z } from 'zod';
import { integer, secretList, url } from '#runtime/config.ts';
import { ROLES, type Role } from '#access/user.ts';

/** Seconds of a value such as `600`, `10m`, `12h` or `14d`. */
const DURATION = /^(\d{1,9})([smhd]?)$/;
const SECONDS_OF_UNIT: Record<string, number> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 };
const FORM = 'must be a time such as 12h for every role, or one a role: user:14d,agent:12h,admin:1h';

/** A setting that may differ by role; in seconds. */
function secondsPerRole(defaults: Record<Role, number>): z.ZodType<Record<Role, number>, string | undefined> {
  return z
    .string()
    .optional()
    .transform((text, context) => {
      const seconds = text === undefined ? defaults : readPerRole(text, defaults);
      if (seconds !== undefined) return seconds;
      context.addIssue({ code: 'custom', message: FORM });
      return z.NEVER;
    });
}

function readPerRole(text: string, defaults: Record<Role, number>): Record<Role, number> | undefined {
  const everyRole = secondsOf(text);
  if (everyRole !== undefined) return { user: everyRole, agent: everyRole, admin: everyRole };
  const result = { ...defaults };
  for (const part of text.split(',')) {
    const [name, value = ''] = part.split(':');
    const role = ROLES.find((role) => role === name);
    const seconds = secondsOf(value);
    if (role === undefined || seconds === undefined) return undefined;
    result[role] = seconds;
  }
  return result;
}

function secondsOf(text: string): number | undefined {
  const [, amount, unit = ''] = DURATION.exec(text.trim()) ?? [];
  if (amount === undefined) return undefined;
  const seconds = Number(amount) * (SECONDS_OF_UNIT[unit] ?? 1);
  return seconds >= 60 && seconds <= 366 * 86_400 ? seconds : undefined;
}

const HOUR = 3_600;
const DAY = 24 * HOUR;

export const passwordSettings = {
  /** Keyed step of the password hash (NIST SP 800-63B-4 §3.1.1.2); kept apart from the database. */
  PASSWORD_PEPPER: secretList(16).optional(),
  PASSWORD_MIN_LENGTH: integer(8, 64).default(15),
};

export const accessSettings = {
  ...passwordSettings,
  SESSION_SECRET: secretList(32),
  CSRF_SECRET: secretList(32),
  /** Life of an access token in seconds. */
  ACCESS_TTL: integer(60, 3_600).default(600),
  /** For how long the answer to a refresh is repeated to a client that lost it, in seconds. */
  REFRESH_GRACE: integer(0, 600).default(30),
  SESSION_IDLE: secondsPerRole({ user: 14 * DAY, agent: 12 * HOUR, admin: HOUR }),
  SESSION_ABSOLUTE: secondsPerRole({ user: 30 * DAY, agent: 7 * DAY, admin: DAY }),
  SESSIONS_PER_USER: integer(1, 1_000).default(10),
  /** How fresh a sign-in must be for sensitive acts; 0: any age will do. */
  STEP_UP_MINUTES: integer(0, 1_440).default(0),
};

/** The own origin: issuer of access tokens, first origin of the CSRF check, and where links lead. */
export const publicUrlSettings = {
  PUBLIC_URL: url('http', 'https').default('http://localhost:4000'),
  CLIENT_URL: url('http', 'https').default('http://localhost:5173'),
};

export const firstAdminSettings = {
  ADMIN_EMAIL: z.string().optional(),
  ADMIN_PASSWORD: z.string().meta({ secret: true }).optional(),
};
