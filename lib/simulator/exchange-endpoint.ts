import * as z from 'zod';
import type { ExchangeFlow } from '../core/auth/auth-scheme.ts';
import { fillIn, standIn, standIns } from '../core/auth/stand-in.ts';
import type { Raw } from '../core/connector/connector.ts';
import { parseInstant } from '../core/dates.ts';
import { HOUR, SECOND } from '../core/time.ts';
import { arriving, type Client, kindOf, type Told } from './client.ts';
import { refusal } from './exchange.ts';
import { findTokenForm } from './find-reply-form.ts';
import { isSignedBy } from './jwt.ts';
import { placesOfReceived } from './places.ts';
import { endpoint, type Question } from './question.ts';
import { type Facts, replyMaker } from './reply-form.ts';
import { type Asked, requestForms } from './request-form.ts';
import { lifeOf, tokenText } from './token-text.ts';

const fields = z.record(z.string(), z.unknown()).catch({});

/**
 * Any other token endpoint. It refuses a request that differs from what the connector writes with the secret. Only an assertion may differ
 * from time to time.
 */
export function exchangeQuestion(client: Client, flow: ExchangeFlow<Raw, Raw>, told: Told, basePath: string): Question {
  const { params, secret } = client;
  const { assertion, read } = flow;
  const write = ({ page }: { page: unknown }) =>
    arriving(
      fillIn(flow.request({ params, assertion: standIn(ASSERTION), secret: standIns() }), {
        ...secret,
        [ASSERTION]: page,
      }),
      basePath,
    );
  const values = ['one.simulated.assertion', 'another.simulated.assertion', 'a.third.assertion'] as const;
  const later = { page: (value: unknown) => value, values };
  const pages = assertion === undefined ? undefined : { first: 'no assertion', later };
  const reply = replyMaker(
    findTokenForm(read, [tokenFacts('some.token', HOUR), tokenFacts('another', 7 * HOUR)], isTold),
  );
  const forms = requestForms({ name: 'auth.request', write, ...(pages === undefined ? {} : { pages }) });
  const [method = 'GET', path = '/'] = ['method', 'path'].map((place) => forms[0]?.example.get(place));
  return {
    open: true,
    forms: [endpoint(method, path)],
    answer: (_, request) => {
      const { url, now } = request;
      const places = placesOfReceived(request, basePath);
      const asked = forms.map(({ read }) => read(places)).find((found) => found !== undefined);
      if (asked === undefined || !signs(client, flow, asked, now))
        return refusal(401, 'invalid_client', 'What should prove who asks is wrong, or has expired.');
      // Whole seconds, in which every answer can tell them.
      const until = Math.ceil(now / SECOND) * SECOND + lifeOf(flow);
      const { headers, body } = reply(tokenFacts(tokenText(kindOf(client, 'access'), until, now), until, now));
      return { status: 200, headers, body: { ...fields.parse(body), ...told(url.origin) } };
    },
  };
}

/** Whether the assertion is signed by the client's key, if there has to be one. */
const signs = ({ secret }: Client, { assertion }: ExchangeFlow<Raw, Raw>, { page }: Asked, now: number): boolean =>
  assertion === undefined || isSignedBy(secret[assertion.key ?? 'privateKey'], assertion.alg, String(page), now);

/** No field of a secret has this name. */
const ASSERTION = 'assertion (signed)';

/** What a token answer tells. `until`: epoch milliseconds. */
const tokenFacts = (token: string, until: number, now = 0): Facts => ({
  ...{ records: [], total: 0, next: '' },
  told: {
    token,
    date: new Date(until).toISOString(),
    seconds: Math.floor((until - now) / SECOND),
    epoch: until / SECOND,
  },
});

const readToken = z.object({
  token: z.string(),
  expiresAt: z.union([z.string(), z.number()]).optional(),
  expiresIn: z.coerce.number().optional(),
});

/** Whether the connector reads the token, and everything about its end that it looks for. */
function isTold(found: unknown, { told = {} }: Facts): boolean {
  const read = readToken.safeParse(found);
  if (!read.success || typeof found !== 'object' || found === null) return false;
  const { token, expiresAt, expiresIn } = read.data;
  const ends = !('expiresAt' in found) || parseInstant(expiresAt) === parseInstant(told.date);
  return token === told.token && ends && (!('expiresIn' in found) || expiresIn === told.seconds);
}
