/** Text as it may stand in an element or an attribute. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Colours that can be told apart without seeing them as colours: each series is named beside its line or bar. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .faint { fill: #59636e }
  .ours { fill: #0a5bbd } .other { fill: #8c959f }
  .grid { stroke: #d1d9e0 } .line { fill: none; stroke-width: 2 }
  .s0 { stroke: #0a5bbd } .s1 { stroke: #b35900 } .s2 { stroke: #1a7f37 } .s3 { stroke: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #9198a1 }
    .ours { fill: #58a6ff } .other { fill: #6e7681 } .grid { stroke: #3d444d }
    .s0 { stroke: #58a6ff } .s1 { stroke: #f0883e } .s2 { stroke: #3fb950 } .s3 { stroke: #bc8cff }
  }`;

/** A whole SVG file, transparent, so that it takes the page's own light or dark; `description` says what it shows in words. */
export function svgOf(
  { width, height, title, description }: { width: number; height: number; title: string; description: string },
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** With separators between thousands, and three digits that count below. */
export const figure = (value: number): string =>
  value.toLocaleString('en', Math.abs(value) >= 1_000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
