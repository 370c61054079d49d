import { makeLink } from '../../lib/pipeline/consent/connect.ts';
import { forConnection } from '../../lib/pipeline/invocation.ts';
import type { OperatedConnector } from './deployed-connector.ts';

/** Consents for a connection, as a browser of somebody who says yes to everything would. */
export async function consent(opened: OperatedConnector, connection: string): Promise<void> {
  const link = new URL(await makeLink(forConnection(opened, connection)), await opened.connectUrl());
  const sent = await fetch(new URL('/', link), { method: 'POST', body: link.searchParams, redirect: 'manual' });
  const cookie = sent.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const asked = await fetch(placeOf(sent), { redirect: 'manual' });
  const done = await fetch(placeOf(asked), { headers: { cookie } });
  const said = await done.text();
  if (!done.ok) throw new Error(`The consent of ${connection} did not come about: ${said}`);
}

/** Where a redirect leads to. */
function placeOf(response: Response): URL {
  const place = URL.parse(response.headers.get('location') ?? '', response.url);
  if (place === null) throw new Error(`${response.url} leads nowhere (${response.status}).`);
  return place;
}
