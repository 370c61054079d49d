import type { Reason } from '../../core/response/judge.ts';
import { consentPage, html, type WebAnswer } from './connect-page.ts';

/** What a person is told when a consent comes to nothing. */

const ASK_AGAIN = html`<p>Ask the sender of the link for a new one (<code>headgate connect</code>).</p>`;
const bad = (status: number, title: string, ...says: readonly string[]): WebAnswer => {
  const paragraphs = says.map((text) => html`<p>${text}</p>`.html).join('');
  return consentPage({ status, title, tone: 'bad', body: html`${{ html: paragraphs }}${ASK_AGAIN}` });
};

export const nothingHere = (): WebAnswer =>
  consentPage({
    status: 404,
    title: 'Nothing here',
    tone: 'plain',
    body: html`<p>This address only serves links that Headgate made.</p>`,
  });
export const unknownLink = (): WebAnswer => bad(404, 'This link is not valid', 'It may be incomplete: copy all of it.');
export const linkUsed = (): WebAnswer => bad(410, 'This link was used already', 'Every link works once.');
export const linkExpired = (): WebAnswer => bad(410, 'This link has expired', 'A link waits for 15 minutes.');
export const unknownCallback = (): WebAnswer =>
  bad(400, 'This sign-in is not known here', 'It was not begun with a link of Headgate, or too long ago.');
export const wrongBrowser = (): WebAnswer =>
  bad(
    403,
    'This is another browser',
    'The sign-in was begun in another browser or in a private window. For your safety it has to be finished where it was begun.',
  );
export const replayed = (): WebAnswer =>
  bad(
    410,
    'This sign-in is finished already',
    'Its page was loaded a second time. If you saw "Connected" before, all is well.',
  );
export const tooLate = (): WebAnswer =>
  bad(410, 'This sign-in took too long', 'It has to be finished within 10 minutes.');
export const denied = (error: string): WebAnswer =>
  bad(
    403,
    error === 'access_denied' ? 'Access was declined' : 'The API did not allow it',
    error === 'access_denied'
      ? 'Nothing was connected, and nothing has changed.'
      : `It says: ${/^[a-z_]{1,60}$/.test(error) ? error : 'nothing that can be shown here'}.`,
  );
export const noRefreshToken = (): WebAnswer =>
  bad(
    502,
    'Access would end by itself',
    'The API granted access for a short time only and gave no refresh token. Most APIs give one for a scope like "offline_access": it belongs into the connector\'s scopes.',
  );
export const failed = ({ message }: Reason): WebAnswer =>
  bad(502, 'It did not work', `Nothing was connected: ${message}.`);
