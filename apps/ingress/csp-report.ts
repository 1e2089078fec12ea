import { z } from 'zod';
import { Failure } from '#runtime/failure.ts';

/** What is kept of a report: which rule was broken and by what kind of place; no path, query or sample. */
export interface CspViolation {
  directive: string;
  /** An origin, a scheme, or a keyword such as `inline`. */
  blocked: string;
}

const MAX_REPORTS = 10;
const DIRECTIVE = /^[a-z-]{1,40}/;
const KEYWORDS = new Set(['inline', 'eval', 'wasm-eval', 'self', 'trusted-types-policy', 'trusted-types-sink']);

/** CSP Level 2 §4.4: one report, by report-uri. */
const oldForm = z.object({
  'csp-report': z.object({
    'violated-directive': z.string().optional(),
    'effective-directive': z.string().optional(),
    'blocked-uri': z.string().optional(),
  }),
});

/** Reporting API §5.2: a list, by report-to; other reports may be among them. */
const newForm = z.array(
  z.object({
    type: z.string(),
    body: z.object({ effectiveDirective: z.string().optional(), blockedURL: z.string().optional() }).nullish(),
  }),
);

/** The violations of a report's text; undefined if it is none. @throws Failure `request-malformed` if it is no JSON. */
export function readCspReports(text: string): readonly CspViolation[] | undefined {
  const value = parse(text);
  const old = oldForm.safeParse(value);
  if (old.success) {
    const report = old.data['csp-report'];
    return [violationOf(report['effective-directive'] ?? report['violated-directive'], report['blocked-uri'])];
  }
  const list = newForm.safeParse(value);
  if (!list.success) return undefined;
  return list.data
    .filter(({ type }) => type === 'csp-violation')
    .slice(0, MAX_REPORTS)
    .map(({ body }) => violationOf(body?.effectiveDirective, body?.blockedURL));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('request-malformed', { cause: error });
  }
}

function violationOf(directive = '', blocked = ''): CspViolation {
  return { directive: DIRECTIVE.exec(directive)?.[0] ?? 'unknown', blocked: placeOf(blocked) };
}

function placeOf(blocked: string): string {
  if (KEYWORDS.has(blocked)) return blocked;
  if (!URL.canParse(blocked)) return 'unknown';
  const { protocol, origin } = new URL(blocked);
  return origin === 'null' ? protocol.slice(0, 32) : origin.slice(0, 128);
}
