/** A connector file that cannot work as it is written. The message says what is wrong and how to mend it. */
export class ConnectorError extends Error {
  override name = 'ConnectorError';
}
