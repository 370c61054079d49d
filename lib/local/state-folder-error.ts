/** Why a state folder cannot be used as it is. The message says how to mend it. */
export class StateFolderError extends Error {
  override name = 'StateFolderError';
}
