import * as z from 'zod';
import { type Auth, type Discover, keepsTokens, type TokenScheme } from '../core/auth/auth-scheme.ts';
import type { Raw, Reply } from '../core/connector/connector.ts';
import { arriving, type Client, type Told } from './client.ts';
import { exchangeQuestion } from './exchange-endpoint.ts';
import { findSetupForm } from './find-reply-form.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { oauthQuestions } from './oauth-endpoint.ts';
import type { Question } from './question.ts';
import { recordMaker } from './records.ts';
import { type Facts, replyMaker } from './reply-form.ts';
import { requestForms } from './request-form.ts';
import { anyFacts } from './samples.ts';

/** Where tokens come from, and what is told with them. */
export type TokenModel = {
  /** What requests are told of the connection besides its parameters. A URL in it is the API's own. */
  readonly grant: unknown;
  /** `basePath`: what the base URL adds to the origin. */
  readonly questions: (basePath: string) => readonly Question[];
};

export function tokenModel(client: Client): TokenModel {
  const { auth } = client.connector;
  if (!keepsTokens(auth)) return { grant: undefined, questions: () => [] };
  if (auth.discover !== undefined) return discovered(client, auth, auth.discover);
  const told: Told = (origin) => (auth.tells ? grantOf(client, origin) : {});
  return {
    grant: auth.tells ? auth.grant.parse(told('http://any')) : undefined,
    questions: (basePath) => tokenQuestions(client, auth, told, basePath),
  };
}

/** The grant is not part of the token answer: a request with the token discovers it. */
function discovered(
  client: Client,
  flow: Auth<Raw, Raw> & TokenScheme<Raw, Raw>,
  { request, read }: Discover<Raw, Raw>,
): TokenModel {
  const facts: Facts = { ...anyFacts, told: fields.parse(client.params) };
  const grantIn = (reply: Reply): unknown => read(reply, client.params);
  const isGrant = (found: unknown) => flow.grant.safeParse(found).success;
  const { headers, body } = replyMaker(findSetupForm('discover.read', grantIn, facts, isGrant))(facts);
  const write = (basePath: string) => () => arriving(request, basePath);
  const answer = { status: 200, headers, body };
  return {
    grant: flow.grant.parse(grantIn({ status: 200, header: () => undefined, body })),
    questions: (basePath) => [
      ...tokenQuestions(client, flow, () => ({}), basePath),
      { forms: requestForms({ name: 'discover.request', write: write(basePath) }), answer: () => answer },
    ],
  };
}

function tokenQuestions(
  client: Client,
  flow: TokenScheme<Raw, Raw>,
  told: Told,
  basePath: string,
): readonly Question[] {
  if (flow.kind === 'exchange') return [exchangeQuestion(client, flow, told, basePath)];
  return oauthQuestions(client, flow, told, basePath);
}

const fields = z.record(z.string(), z.unknown()).catch({});

/** What the token answer tells besides the token: URLs in it lead to the API itself. */
function grantOf({ connector: { name, auth }, seed }: Client, origin: string): Readonly<Record<string, unknown>> {
  const keys = Object.keys(jsonSchemaOf(auth.grant).properties ?? {});
  const made = fields.parse(recordMaker(auth.grant, { label: name, seed, count: 1, keys })(0));
  const moved = Object.entries(made).map(([field, value]) => [field, /^https?:/.test(String(value)) ? origin : value]);
  return Object.fromEntries(moved);
}
