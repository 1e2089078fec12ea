import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What of the V8 CPU profile format is read here; times in microseconds. */
export interface CpuProfile {
  nodes: readonly {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  samples: readonly number[];
  timeDeltas: readonly number[];
}

export interface SelfTime {
  name: string;
  micros: number;
}

export interface SelfTimes {
  /** All that was not idle. */
  busyMicros: number;
  /** Of garbage collection. */
  garbageMicros: number;
  /** Descending. */
  byFunction: SelfTime[];
  byFile: SelfTime[];
  byPackage: SelfTime[];
}

const IDLE = new Set(['(idle)', '(root)']);
const GARBAGE = '(garbage collector)';
/** V8 names so what ran without any JavaScript: libuv, the kernel, start of callbacks. */
const PROGRAM = '(program)';

/** Wherever packages are installed; of one inside of another, the inner one. */
const INSTALLED = /.*\bnode_modules\/(.+)/;

/** Sums a profile's samples by function, by file and by npm package; `root` is where our own files begin. */
export function selfTimesOf({ nodes, samples, timeDeltas }: CpuProfile, root: string): SelfTimes {
  const micros = new Map<number, number>();
  samples.forEach((id, index) => {
    // A sample holds until the next one.
    micros.set(id, (micros.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0));
  });
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  const packages = new Map<string, number>();
  let [busyMicros, garbageMicros] = [0, 0];
  for (const { id, callFrame } of nodes) {
    const own = micros.get(id) ?? 0;
    const { functionName, lineNumber } = callFrame;
    if (own === 0 || IDLE.has(functionName)) continue;
    busyMicros += own;
    if (functionName === GARBAGE) garbageMicros += own;
    const file = fileOf(callFrame, root);
    const named = functionName === '' ? `(anonymous):${lineNumber + 1}` : functionName;
    add(functions, file === functionName ? file : `${named} ${file}`, own);
    add(files, file, own);
    add(packages, packageOf(file), own);
  }
  return {
    busyMicros,
    garbageMicros,
    byFunction: descending(functions),
    byFile: descending(files),
    byPackage: descending(packages),
  };
}

function fileOf({ functionName, url }: { functionName: string; url: string }, root: string): string {
  if (functionName === GARBAGE || functionName === PROGRAM) return functionName;
  if (url === '') return '(native)';
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url);
  const [, inside] = INSTALLED.exec(path) ?? [];
  return inside === undefined ? relative(root, path) : `node_modules/${inside}`;
}

/** The npm package that a file belongs to; of Node and of ours the first part of the name says enough. */
function packageOf(file: string): string {
  const [, inside] = INSTALLED.exec(file) ?? [];
  if (inside !== undefined) return inside.split('/', inside.startsWith('@') ? 2 : 1).join('/');
  if (file.startsWith('node:')) return file.startsWith('node:internal') ? 'node:internal' : 'node';
  return file.startsWith('(') ? file : file.split('/', 2).join('/');
}

function add(sums: Map<string, number>, name: string, micros: number): void {
  sums.set(name, (sums.get(name) ?? 0) + micros);
}

const descending = (sums: Map<string, number>): SelfTime[] =>
  [...sums].map(([name, micros]) => ({ name, micros })).toSorted((a, b) => b.micros - a.micros);
