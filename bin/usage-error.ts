/** Something the user can mend. The message is one sentence that names the value and the mend; nothing was started. */
export class UsageError extends Error {
  override name = 'UsageError';
}
