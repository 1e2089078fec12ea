import 'vitest';

/** The real services of one test run, as global-setup.ts hands them to the tests. */
export interface TestServices {
  database: {
    superuserUrl: string;
    /** The roles' URLs for a database: replace the path. */
    ownerUrl: string;
    url: string;
    /** A migrated database to copy. */
    template: string;
  };
  /** Undefined where no Redis can be had. */
  redis: { url: string; binary: string } | undefined;
  /** A directory that is removed after the run. */
  scratch: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    services: TestServices;
  }
}
