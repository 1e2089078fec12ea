/** The tool was called wrongly: its message is all that is shown, and the tool exits 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
