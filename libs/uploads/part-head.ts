import { fileNamesOf } from '#uploads/content-disposition.ts';

const DISPOSITION = /\r\ncontent-disposition:[ \t]*([^\r\n]*)/gi;

/**
 * Every file name in the header of the part that has just begun, the one that the parser chose last. The parser keeps
 * the first of two `filename` parameters and a recipient may keep the other, so both are judged.
 */
export function fileNamesIn(bodyHead: string, chosen: string | undefined): string[] {
  if (chosen === undefined || chosen === '') return [];
  for (const [, header = ''] of bodyHead.matchAll(DISPOSITION)) {
    const names = fileNamesOf(header) ?? [];
    if (names.length === 0) continue;
    const plain = /;\s*filename\*=/i.test(header) ? [] : names.slice(1);
    return [...plain, chosen];
  }
  return [chosen];
}
