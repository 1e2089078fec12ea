/** What a PromQL expression asks for. */
export interface PromqlUse {
  metrics: Set<string>;
  /** In matchers, in `by (…)`, `on (…)` and the like, with the metric of a matcher. */
  labels: Set<string>;
  matchers: { metric: string; label: string; value: string; operator: string }[];
}

const TOKEN =
  /\s+|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\d+(?:\.\d+)?(?:[smhdwy]|e[+-]?\d+)?|[a-zA-Z_:][\w:]*|=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},]/y;
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'group_left', 'group_right']);
const GROUPINGS = new Set(['by', 'without', 'on', 'ignoring']);
const FUNCTIONS = new Set([
  'sum',
  'max',
  'min',
  'avg',
  'count',
  'rate',
  'increase',
  'histogram_quantile',
  'time',
  'absent',
  'topk',
]);

/** @throws Error for what is no PromQL, or uses a function that this does not know. */
export function readPromql(expression: string): PromqlUse {
  const tokens = tokensOf(expression);
  const use: PromqlUse = { metrics: new Set(), labels: new Set(), matchers: [] };
  let depth = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    const next = tokens[at + 1];
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (depth < 0) throw new Error(`too many ) in ${expression}`);
    if (!/^[a-zA-Z_:]/.test(token) || KEYWORDS.has(token)) continue;
    if (GROUPINGS.has(token)) {
      const end = tokens.indexOf(')', at);
      for (const label of tokens.slice(at + 2, end)) if (label !== ',') use.labels.add(label);
      at = end;
    } else if (next === '(' || (next !== undefined && GROUPINGS.has(next))) {
      if (!FUNCTIONS.has(token)) throw new Error(`unknown function ${token} in ${expression}`);
    } else {
      use.metrics.add(token);
      if (next === '{') at = readMatchers(tokens, at + 2, token, use);
    }
  }
  if (depth !== 0) throw new Error(`unclosed ( in ${expression}`);
  return use;
}

function readMatchers(tokens: readonly string[], from: number, metric: string, use: PromqlUse): number {
  let at = from;
  while (tokens[at] !== '}') {
    const [label = '', operator = '', value = ''] = tokens.slice(at, at + 3);
    if (!/^[a-z_]\w*$/.test(label) || !/^(?:=~|!~|!=|=)$/.test(operator) || !value.startsWith('"')) {
      throw new Error(`malformed matcher of ${metric}`);
    }
    use.labels.add(label);
    use.matchers.push({ metric, label, operator, value: JSON.parse(value) as string });
    at += tokens[at + 3] === ',' ? 4 : 3;
  }
  return at;
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const at = TOKEN.lastIndex;
    const [token] = TOKEN.exec(expression) ?? [];
    if (token === undefined) throw new Error(`unreadable at ${at}: ${expression.slice(at, at + 20)}`);
    if (token.trim() !== '') tokens.push(token);
  }
  return tokens;
}
