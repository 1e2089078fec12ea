import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { conditionsOf, versionsOf, writeResults, type Check, type Figures, type Report } from './report.ts';
import { median, table } from './statistics.ts';
import { goodCases, openCorpus, type Case } from './verify/corpus.ts';
import { OURS, verifiersOf, type Answer } from './verify/libraries.ts';
import { timeVerifiers } from './verify/time-verifiers.ts';

const PACKAGES = ['svix', 'standardwebhooks', 'stripe', '@octokit/webhooks', '@hookflo/tern'];
const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'webhooks-verify.md');
const BODY_BYTES = 800;

type Outcome = 'right' | 'wrongly accepts' | 'wrongly rejects' | 'throws';

interface Judged {
  scheme: string;
  title: string;
  right: Case['right'];
  outcomes: Record<string, Outcome>;
  thrown: Record<string, string>;
}

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** The same good and bad requests put to ours and to the libraries that people verify webhooks with. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      'slice-ms': { type: 'string', default: '100' },
      document: { type: 'boolean', default: false },
    },
  });
  const conditions = conditionsOf(versionsOf(...PACKAGES), 'Nothing is stored');
  const judged: Judged[] = [];
  for (const one of openCorpus(Date.now())) judged.push(await judge(one));
  const body = JSON.stringify({ id: 'evt_1', text: 'x'.repeat(BODY_BYTES - 26) });
  const times = await timeVerifiers(goodCases(Date.now(), body), {
    rounds: Number(values.rounds),
    sliceMs: Number(values['slice-ms']),
  });

  const text = [
    `${judged.length} requests, ${new Set(judged.map(({ scheme }) => scheme)).size} schemes.`,
    '',
    totalsOf(judged),
    '',
    'Requests that at least one library answers wrongly (`-`: the library has nothing for the scheme):',
    '',
    faultsOf(judged),
    '',
    'None of the other libraries knows `v1a` (Ed25519) of Standard Webhooks.',
    '',
    `Microseconds for one good request of ${BODY_BYTES} bytes (median of ${values.rounds} interleaved rounds):`,
    '',
    timesOf(times),
  ].join('\n');
  console.log(`\n${text}\n`);
  if (values.document) {
    writeResults('verify', { ...conditions, judged, times });
  }
  if (values.document) writeFileSync(DOCUMENT, documentOf(text, conditions));
  const faults = judged.filter(({ outcomes }) => outcomes[OURS] !== 'right');
  console.log(`${faults.length === 0 ? 'passed' : 'FAILED'}: ${OURS} answers every request rightly`);
  const load = { requests: judged.length, rounds: Number(values.rounds), bodyBytes: BODY_BYTES };
  const passes = faults.length === 0;
  return {
    suite: 'verify',
    conditions,
    load,
    figures: figuresIn(judged, times),
    checks: checksOf(judged, times),
    passes,
  };
}

type Times = Awaited<ReturnType<typeof timeVerifiers>>;

function figuresIn(judged: readonly Judged[], times: Times): Figures[] {
  const counted = ['wrongly accepts', 'wrongly rejects', 'throws'] as const;
  const wrong = librariesOf(judged).map((library) => {
    const outcomes = judged.flatMap(({ outcomes: all }) => all[library] ?? []);
    return { name: library, values: counted.map((kind) => outcomes.filter((outcome) => outcome === kind).length) };
  });
  return [
    { title: 'library', columns: counted.map((title) => ({ title, digits: 0 })), rows: wrong },
    {
      title: 'verifier',
      columns: [
        { title: 'microseconds', digits: 1 },
        { title: 'x ours', digits: 2 },
      ],
      rows: times.map(({ scheme, library, micros, toOurs }) => ({
        name: `${scheme}: ${library}`,
        values: [median(micros), median(toOurs)],
      })),
      charted: 0,
      isCost: true,
    },
  ];
}

function checksOf(judged: readonly Judged[], times: Times): Check[] {
  const faults = judged.filter(({ outcomes }) => outcomes[OURS] !== 'right').length;
  const ratios = times
    .filter(({ library }) => library !== OURS)
    .map(({ scheme, library, toOurs }) => ({
      title: `time for one good request, ${scheme}: ${library}, x ours`,
      value: median(toOurs),
      passes: true,
      isRatio: true,
    }));
  return [{ title: `requests that ${OURS} answers wrongly (= 0)`, value: faults, passes: faults === 0 }, ...ratios];
}

async function judge(one: Case): Promise<Judged> {
  const judged: Judged = { scheme: one.scheme, title: one.title, right: one.right, outcomes: {}, thrown: {} };
  for (const { library, prepare } of verifiersOf(one.scheme)) {
    const answer = await prepare(one)();
    judged.outcomes[library] = outcomeOf(one, answer);
    if (typeof answer === 'object') judged.thrown[library] = answer.threw;
  }
  return judged;
}

function outcomeOf({ right }: Case, answer: Answer): Outcome {
  if (typeof answer === 'object') return 'throws';
  if (answer === right) return 'right';
  return answer === 'accept' ? 'wrongly accepts' : 'wrongly rejects';
}

const librariesOf = (judged: readonly Judged[]): string[] => [
  ...new Set(judged.flatMap(({ outcomes }) => Object.keys(outcomes))),
];

function totalsOf(judged: readonly Judged[]): string {
  const rows = librariesOf(judged).map((library) => {
    const outcomes = judged.flatMap(({ outcomes }) => outcomes[library] ?? []);
    const count = (wanted: Outcome): string => String(outcomes.filter((outcome) => outcome === wanted).length);
    return [library, String(outcomes.length), count('wrongly accepts'), count('wrongly rejects'), count('throws')];
  });
  return table(['library', 'requests', 'wrongly accepts', 'wrongly rejects', 'throws'], rows);
}

function faultsOf(judged: readonly Judged[]): string {
  const libraries = librariesOf(judged);
  const rows = judged
    .filter(({ outcomes }) => Object.values(outcomes).some((outcome) => outcome !== 'right'))
    .map(({ scheme, title, right, outcomes }) => [
      `${scheme}: ${title}`,
      right,
      ...libraries.map((library) => outcomes[library] ?? '-'),
    ]);
  return table(['request', 'right is', ...libraries], rows);
}

function timesOf(times: Times): string {
  const rows = times.map(({ scheme, library, micros, toOurs }) => [
    `${scheme}: ${library}`,
    median(micros).toFixed(1),
    median(toOurs).toFixed(2),
  ]);
  return table(['verifier', 'microseconds', 'x ours'], rows);
}

function documentOf(text: string, { at, machine, versions }: ReturnType<typeof conditionsOf>): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# How libraries verify webhooks

Written by \`npm run bench -- verify --document\`, as measured on ${at.slice(0, 10)} with ${named.join(', ')} on ${machine}.

Every library gets the same requests, as a Node server hands them on: repeated headers joined by commas, and the received
bytes as a Buffer (@octokit/webhooks takes text only, so it gets the bytes decoded as UTF-8, as its own middleware does;
@hookflo/tern takes a \`Request\`, whose making is part of its time). Right is what the sender's documentation says and the
signature over the received bytes shows: a signature has one spelling, comes once, and covers exactly these bytes; a signed
time is ten digits and at most five minutes away in both directions. A library's own way to refuse is no throw; any other
error is.

${text}
`;
}
