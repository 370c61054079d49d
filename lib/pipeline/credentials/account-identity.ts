import { hash } from 'node:crypto';
import type { ConnectionContext } from '../invocation.ts';
import type { Item } from '../ports.ts';

/**
 * Which account a connection is: a hash of its parameters and of the mark that is set when an operator says that it is another one, or when it is added
 * anew. What a stream knows (its watermark, the limits it learned) is known of one account only. `undefined`: there is no connection.
 */
export async function readIdentity({
  connections,
  connector,
  connection,
}: ConnectionContext): Promise<string | undefined> {
  const item = await connections.get({ pk: connector.name, sk: connection });
  return item === undefined ? undefined : identityOfItem(item);
}

export const identityOfItem = ({ params, account = '' }: Item): string =>
  hash('sha256', `${account}\n${sortedText(String(params))}`).slice(0, 16);

/** JSON with the fields of its objects in order, so that the same parameters have one text. What is no JSON stays. */
function sortedText(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
  } catch {
    return text;
  }
}
