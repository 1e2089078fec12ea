import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { mismatch } from '#uploads/inspect/refusal.ts';
import { inspectText } from '#uploads/inspect/text.ts';

type State = 'value' | 'first-item' | 'first-key' | 'key' | 'colon' | 'after' | 'string' | 'escape' | 'hex' | 'scalar';

const SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const MAX_SCALAR_CHARS = 1_024;

/** RFC 8259, checked as it comes in: nothing of it is kept but the open brackets. */
export function inspectJson(bytes: FileBytes): void {
  const machine = new JsonMachine();
  inspectText(bytes, (text) => machine.push(text));
  machine.end();
}

class JsonMachine {
  #state: State = 'value';
  readonly #open: ('{' | '[')[] = [];
  #scalar = '';
  #hexLeft = 0;
  #isKey = false;
  #isFirst = true;

  push(text: string): void {
    let at = this.#isFirst && text.startsWith('\ufeff') ? 1 : 0;
    if (text !== '') this.#isFirst = false;
    for (; at < text.length; at += 1) {
      if (this.#state === 'string') {
        at = this.#skipString(text, at);
        continue;
      }
      this.#step(text[at] ?? '');
    }
  }

  end(): void {
    if (this.#state === 'scalar') this.#endScalar();
    if (this.#state !== 'after' || this.#open.length > 0) throw mismatch('JSON that ends early');
  }

  #skipString(text: string, from: number): number {
    for (let at = from; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        this.#state = this.#isKey ? 'colon' : 'after';
        return at;
      }
      if (code === 0x5c) {
        this.#state = 'escape';
        return at;
      }
      if (code < 0x20) throw mismatch('JSON with a control character in a string');
    }
    return text.length;
  }

  #step(char: string): void {
    if (this.#state === 'escape') {
      if (!'"\\/bfnrtu'.includes(char)) throw mismatch('JSON with an unknown escape');
      this.#hexLeft = char === 'u' ? 4 : 0;
      this.#state = char === 'u' ? 'hex' : 'string';
      return;
    }
    if (this.#state === 'hex') {
      if (!/[0-9a-fA-F]/.test(char)) throw mismatch('JSON with an unknown escape');
      this.#hexLeft -= 1;
      if (this.#hexLeft === 0) this.#state = 'string';
      return;
    }
    if (this.#state === 'scalar') {
      if (/[-+.\w]/.test(char)) {
        this.#scalar += char;
        if (this.#scalar.length > MAX_SCALAR_CHARS) throw mismatch('JSON with a word that is too long');
        return;
      }
      this.#endScalar();
    }
    if (char === ' ' || char === '\n' || char === '\r' || char === '\t') return;
    this.#token(char);
  }

  #token(char: string): void {
    const state = this.#state;
    if (state === 'colon' && char === ':') this.#state = 'value';
    else if (state === 'after') this.#afterValue(char);
    else if ((state === 'first-key' || state === 'key') && char === '"') this.#openString(true);
    else if ((state === 'first-key' && char === '}') || (state === 'first-item' && char === ']')) this.#close(char);
    else if (state === 'value' || state === 'first-item') this.#beginValue(char);
    else throw mismatch('malformed JSON');
  }

  #beginValue(char: string): void {
    if (char === '"') this.#openString(false);
    else if (char === '{' || char === '[') {
      this.#open.push(char);
      if (this.#open.length > inspectionLimits.jsonDepth) throw mismatch('JSON that is nested too deeply');
      this.#state = char === '{' ? 'first-key' : 'first-item';
    } else {
      this.#scalar = char;
      this.#state = 'scalar';
    }
  }

  #afterValue(char: string): void {
    const inside = this.#open.at(-1);
    if (char === ',' && inside === '{') this.#state = 'key';
    else if (char === ',' && inside === '[') this.#state = 'value';
    else this.#close(char);
  }

  #close(char: string): void {
    const opened = this.#open.pop();
    if ((char === '}' && opened === '{') || (char === ']' && opened === '[')) this.#state = 'after';
    else throw mismatch('malformed JSON');
  }

  #openString(isKey: boolean): void {
    this.#isKey = isKey;
    this.#state = 'string';
  }

  #endScalar(): void {
    if (!SCALAR.test(this.#scalar)) throw mismatch('JSON with an unknown word');
    this.#state = 'after';
  }
}
