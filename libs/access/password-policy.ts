import { readFileSync } from 'node:fs';

/** In code points, checked before hashing. ASVS 5.0 6.2.9 asks for at least 64. */
export const MAX_PASSWORD_LENGTH = 128;

/** The password is refused where this few guessable pieces make all of it. */
const MAX_WEAK_PIECES = 2;
const MIN_WORD_LENGTH = 4;
const MIN_RUN_LENGTH = 4;
const MIN_CONTEXT_LENGTH = 3;
/** A unit that is short enough to be found by trying, however often it is repeated. */
const MAX_WEAK_UNIT_LENGTH = 7;

export type PasswordFault = 'too-short' | 'too-long' | 'common' | 'malformed';

export interface PasswordPolicy {
  /**
   * Why a new password must be refused, or undefined. Only length and guessability count: there are no rules of
   * composition (ASVS 5.0 6.2.5). `context` is what an attacker knows: e-mail, name.
   */
  faultOf(password: string, context: readonly string[]): PasswordFault | undefined;
}

export function openPasswordPolicy({ minLength }: { minLength: number }): PasswordPolicy {
  const words = commonPasswords();
  return {
    faultOf(password, context) {
      if (!password.isWellFormed()) return 'malformed';
      const length = Array.from(password.normalize('NFC')).length;
      if (length < minLength) return 'too-short';
      if (length > MAX_PASSWORD_LENGTH) return 'too-long';
      const known = new Set(['portcullis', ...context.flatMap(contextWords)]);
      const isWord = (text: string): boolean => words.has(text) || known.has(text);
      return forms(password).some((form) => isGuessable(form, isWord)) ? 'common' : undefined;
    },
  };
}

function commonPasswords(): Set<string> {
  const lines = readFileSync(new URL('common-passwords.txt', import.meta.url), 'utf8').split('\n');
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}

function contextWords(text: string): string[] {
  const lower = text.toLowerCase();
  return [lower, ...lower.split(/[^\p{L}\p{N}]+/u)].filter((word) => word.length >= MIN_CONTEXT_LENGTH);
}

const LOOK_ALIKES: Record<string, string> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** As typed but for case, and with the usual look-alikes undone. */
function forms(password: string): string[] {
  const plain = password.normalize('NFC').toLowerCase();
  return [plain, plain.replaceAll(/[013457@$!]/g, (sign) => LOOK_ALIKES[sign] ?? sign)];
}

/** Whether at most MAX_WEAK_PIECES words, runs and repetitions make the whole text. Each other character is a piece. */
function isGuessable(text: string, isWord: (text: string) => boolean): boolean {
  const whole = withoutRepetition(text);
  if (whole !== text && whole.length <= MAX_WEAK_UNIT_LENGTH) return true;
  const fewest = Array.from<number>({ length: whole.length + 1 }).fill(Infinity);
  fewest[0] = 0;
  for (let start = 0; start < whole.length; start += 1) {
    const pieces = (fewest[start] ?? Infinity) + 1;
    if (pieces > MAX_WEAK_PIECES) continue;
    for (let end = start + 1; end <= whole.length; end += 1) {
      const piece = whole.slice(start, end);
      if (end - start === 1 || isEasy(piece, isWord)) fewest[end] = Math.min(fewest[end] ?? Infinity, pieces);
    }
  }
  return (fewest[whole.length] ?? Infinity) <= MAX_WEAK_PIECES;
}

function isEasy(piece: string, isWord: (text: string) => boolean): boolean {
  if (piece.length >= MIN_CONTEXT_LENGTH && isWord(piece)) return true;
  return piece.length >= MIN_WORD_LENGTH && (isRun(piece) || isDigits(piece) || withoutRepetition(piece) !== piece);
}

/** `abcabcabc` → `abc`: what repeats a unit is as guessable as the unit. */
function withoutRepetition(text: string): string {
  const period = (text + text).indexOf(text, 1);
  return period < text.length ? text.slice(0, period) : text;
}

/** Years, dates and telephone numbers. */
function isDigits(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

const ROWS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  '`1234567890-=',
  'qwertyuiop[]\\',
  "asdfghjkl;'",
  'zxcvbnm,./',
  'qwertzuiopü',
  'azertyuiop',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  '1q2w3e4r5t6y7u8i9o0p',
];

/** Neighbours on a keyboard or in the alphabet, in either direction. */
function isRun(text: string): boolean {
  if (text.length < MIN_RUN_LENGTH) return false;
  const backwards = Array.from(text).toReversed().join('');
  return ROWS.some((row) => row.includes(text) || row.includes(backwards));
}
