import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { Failure } from '#runtime/failure.ts';
import { onlyMethods } from './methods.ts';
import { nonceOf } from './page-headers.ts';

/** Where the set-up builds it. */
const BUILT = join(import.meta.dirname, '..', 'console', 'dist');

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface ConsoleParts {
  /** The origin that people reach us at. */
  origin: string;
  /** Where Bull Board is, if that is known. */
  boardUrl?: string | undefined;
  /** Makes an answer one with a page. */
  asPage: RequestHandler;
  directory?: string;
}

interface Asset {
  type: string;
  bytes: Buffer;
  gzipped: Promise<Buffer>;
}

/** The web pages for people: one page with a fresh nonce in every answer, and the files that it loads. `/` leads there. */
export function consoleRoutes({ origin, boardUrl = '', asPage, directory = BUILT }: ConsoleParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const page = pageIn(directory)?.replaceAll('__ORIGIN__', origin).replaceAll('__BOARD__', boardUrl);
  const assets = assetsIn(join(directory, 'assets'));

  router
    .route('/')
    .get((_request, response) => response.set('cache-control', 'no-store').redirect('/console/'))
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/console')
    .get((_request, response) => response.set('cache-control', 'no-store').redirect('/console/'))
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/console/assets/:name')
    .get((request, response) => {
      const asset = assets.get(request.params.name);
      if (asset === undefined) throw new Failure('not-found');
      return sendAsset(request, response, asset);
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/console/{*path}')
    .get(requireBuilt(page), asPage, (_request, response) => {
      response.type('html').send(page?.replaceAll('__NONCE__', nonceOf(response)));
    })
    .all(onlyMethods('GET', 'HEAD'));

  return router;
}

/** Before the headers of a page: a problem is none. */
function requireBuilt(page: string | undefined): RequestHandler {
  return (_request, _response, next) => {
    if (page === undefined) throw new Failure('not-found', { detail: 'the console was not built' });
    next();
  };
}

async function sendAsset(request: Request, response: Response, { type, bytes, gzipped }: Asset): Promise<void> {
  const isGzip = request.acceptsEncodings('gzip') === 'gzip';
  // Its name has its hash.
  response.set({
    'content-type': type,
    'cache-control': 'public, max-age=31536000, immutable',
  });
  response.vary('accept-encoding');
  if (isGzip) response.set('content-encoding', 'gzip');
  response.end(isGzip ? await gzipped : bytes);
}

function pageIn(directory: string): string | undefined {
  const path = join(directory, 'index.html');
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** All of them in memory: they are few, and no name of a request ever becomes a path. */
function assetsIn(directory: string): ReadonlyMap<string, Asset> {
  if (!existsSync(directory)) return new Map();
  const compress = promisify(gzip);
  return new Map(
    readdirSync(directory).flatMap((name) => {
      const type = TYPES[extname(name)];
      if (type === undefined) return [];
      const bytes = readFileSync(join(directory, name));
      return [[name, { type, bytes, gzipped: compress(bytes, { level: 9 }) }] as const];
    }),
  );
}
