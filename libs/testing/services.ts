import 'vitest';

export interface TestDatabaseServer {
  superuserUrl: string;
  /** The roles' URLs for a database: replace the path. */
  ownerUrl: string;
  url: string;
  /** A migrated database to copy. */
  template: string;
}

/** The real services of one test run, as global-setup.ts hands them to the tests. */
export interface TestServices {
  /**
   * A PostgreSQL server for each vitest worker, so that the files that run side by side share none: the sealer, for one,
   * waits for every transaction that is open on its server, in whichever database.
   */
  databases: readonly TestDatabaseServer[];
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
