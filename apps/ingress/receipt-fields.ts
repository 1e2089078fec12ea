import { z } from 'zod';
import { parseReceiptCursor } from '#webhooks/list-receipts.ts';
import { pageQuery } from './fields.ts';

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((date) => !Number.isNaN(date.getTime()), 'must be a time');

/** The filters of receipts, in a query or in a body. */
export const receiptFilter = z.strictObject({
  source: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be the name of a source')
    .optional(),
  verdict: z
    .string()
    .regex(/^(?:accepted|challenge|ping|refused(?::[a-z-]{1,40})?)$/, 'must be a verdict, or refused')
    .optional(),
  state: z.enum(['open', 'done', 'dead']).optional(),
  from: time.optional(),
  to: time.optional(),
  eventKey: z.string().min(1).max(255).optional(),
  textId: z.string().min(1).max(255).optional(),
});

export const receiptQuery = receiptFilter.extend({
  limit: pageQuery.shape.limit,
  cursor: z
    .string()
    .transform((text, context) => {
      const cursor = parseReceiptCursor(text);
      if (cursor !== undefined) return cursor;
      context.addIssue({ code: 'custom', message: 'must be the cursor of a list' });
      return z.NEVER;
    })
    .optional(),
});

const revealed = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

export const revealQuery = z.strictObject({ reveal: revealed });
export const eventsQuery = pageQuery.extend({ reveal: revealed });

/** Of events that came of no webhook. */
export const ownEventQuery = pageQuery.extend({ state: receiptFilter.shape.state });
