function fact(name: string): string | undefined {
  const content = document.querySelector<HTMLMetaElement>(`meta[name="portcullis-${name}"]`)?.content ?? '';
  return /^https?:\/\//.test(content) ? content : undefined;
}

/** The origin that the server knows as its own; the API refuses pages of others. */
export const homeOrigin = fact('origin');
/** Where Bull Board is, if the server was told. */
export const boardUrl = fact('board');
