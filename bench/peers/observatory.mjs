import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CookieJar } from 'tough-cookie';

/**
 * Judges one answer by the rules of MDN's HTTP Observatory, as if it had come over TLS from a host on no preload list. Its
 * list is downloaded by an install script that is not run: an empty one stands for it.
 */
export async function judge({ hostname, path, status, headers, setCookies, text }) {
  const home = new URL('../node_modules/@mdn/mdn-http-observatory/', import.meta.url);
  const preloaded = fileURLToPath(new URL('conf/hsts-preload.json', home));
  if (!existsSync(preloaded)) writeFileSync(preloaded, '{}\n');
  const [{ ALL_TESTS }, { getScoreModifier }, { MINIMUM_SCORE_FOR_EXTRA_CREDIT }, { Requests }] = await Promise.all(
    ['src/constants.js', 'src/grader/grader.js', 'src/grader/charts.js', 'src/types.js'].map(
      (file) => import(new URL(file, home).href),
    ),
  );
  const url = new URL(path, `https://${hostname}`);
  const jar = new CookieJar();
  for (const cookie of setCookies) jar.setCookieSync(cookie, url.href);
  const response = { status, headers: { ...headers, 'set-cookie': setCookies }, verified: true, httpEquiv: new Map() };
  const requests = new Requests(hostname);
  requests.session = { url, jar, redirectHistory: [], response };
  requests.resources.path = text;
  Object.assign(requests.responses, { auto: response, https: response, cors: response, http: null });
  const findings = ALL_TESTS.map((test) => test(requests)).map(({ constructor, result }) => ({
    test: constructor.name,
    result,
    modifier: getScoreModifier(result),
  }));
  const base = findings.reduce((score, { modifier }) => score + Math.min(0, modifier), 100);
  const extra = findings.reduce((score, { modifier }) => score + Math.max(0, modifier), 0);
  return { score: base >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? base + extra : base, findings };
}
