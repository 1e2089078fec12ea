import type { ChainFault } from '#audit/verify-chain.ts';

const faultTexts: Record<ChainFault['kind'], string> = {
  'event-altered': 'is not as it was sealed',
  'event-missing': 'is missing',
  'event-inserted': 'was not there when its neighbours were sealed',
  'event-reordered': 'is not in its place',
  'seal-altered': 'is not what it was, or does not follow from the one before it',
  'seal-missing': 'is missing',
  'tail-cut-off': 'is missing, as is whatever came after it: the chain ends before the given seal',
  'chain-replaced': 'is another one than the given seal: the chain was made anew',
};

/** A fault of the chain as a sentence without its dot. */
export function chainFaultText({ kind, seal, position, id }: ChainFault): string {
  const place = [position === undefined ? [] : [`position ${position}`], [`seal ${seal}`]].flat().join(', ');
  return id === undefined ? `seal ${seal} ${faultTexts[kind]}` : `event ${id} (${place}) ${faultTexts[kind]}`;
}
