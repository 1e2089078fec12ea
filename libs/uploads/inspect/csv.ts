import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectText } from '#uploads/inspect/text.ts';

// A cell at the start of a line or behind a separator that a spreadsheet would compute (OWASP, CSV injection).
const FORMULA = /(?:^|[\r\n,;\t])["']?[=+@\t\r-](?![\d.,\s]|$)/;
const OVERLAP = 4;

/** @returns whether some cell begins as a formula does. Numbers with a sign are none. */
export function inspectCsv(bytes: FileBytes): boolean {
  let hasFormula = false;
  let before = '\n';
  inspectText(bytes, (text) => {
    const window = before + text;
    hasFormula ||= FORMULA.test(window);
    before = window.slice(-OVERLAP);
  });
  return hasFormula;
}
