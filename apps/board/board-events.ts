import type { Request } from 'express';
import type { Coalescer } from '#audit/coalesce.ts';
import { addressPrefixOf } from '#runtime/address.ts';

export type BoardRefusal = 'password-wrong' | 'sign-ins-exceeded' | 'read-only' | 'site-foreign';

/** What is told of acts on the board. None of these waits or throws. */
export interface BoardObserver {
  /** The operator changed something, or tried to: the status says which. */
  acted(request: Request, status: number): void;
  refused(request: Request, reason: BoardRefusal): void;
}

export interface BoardEventsParts {
  coalescer: Pick<Coalescer, 'add'>;
  /** The one name that the board knows. */
  operator: string;
  addressOf: (request: Request) => string;
}

const MAX_PATH_CHARACTERS = 200;
const QUEUE_PATH = /^\/api\/queues\/([\w-]{1,64})\//;

/** Acts and refusals of the board as security events, equal ones of a minute as one. */
export function openBoardEvents({ coalescer, operator, addressOf }: BoardEventsParts): BoardObserver {
  return {
    acted: (request, status) =>
      coalescer.add({
        type: 'board.acted',
        actorKind: 'user',
        addressPrefix: addressPrefixOf(addressOf(request)),
        ...targetOf(request),
        details: { operator, ...actOf(request), status },
      }),
    refused(request, reason) {
      const addressPrefix = addressPrefixOf(addressOf(request));
      const isKnown = reason === 'read-only' || reason === 'site-foreign';
      coalescer.add({
        type: 'board.refused',
        addressPrefix,
        ...(isKnown
          ? { actorKind: 'user', ...targetOf(request), details: { reason, operator, ...actOf(request) } }
          : { actorKind: 'anonymous', details: { reason } }),
      });
    },
  };
}

function targetOf(request: Request): { targetKind?: string; targetId?: string } {
  const [, queue] = QUEUE_PATH.exec(pathOf(request)) ?? [];
  return queue === undefined ? {} : { targetKind: 'queue', targetId: queue };
}

function actOf(request: Request): { method: string; path: string } {
  return { method: request.method, path: pathOf(request).slice(0, MAX_PATH_CHARACTERS) };
}

/** Without the query. Not `request.path`, which routers shorten. */
function pathOf({ originalUrl }: Request): string {
  return originalUrl.split('?', 1)[0] ?? '';
}
