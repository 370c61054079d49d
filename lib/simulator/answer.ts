import { withoutKey } from '../core/auth/authorise.ts';
import { isPlainObject } from '../core/response/envelope.ts';
import { complaint } from './credentials.ts';
import { parseCursor } from './cursor-text.ts';
import { type Answer, type Received, refusal } from './exchange.ts';
import type { Model } from './model.ts';
import { notFoundMessage } from './not-found.ts';
import { answerPage, NEXT_PATH } from './page.ts';
import { type Places, placesOfReceived } from './places.ts';
import { knowsParents } from './request-form.ts';
import { honest, type Troubled, type Twist } from './trouble.ts';

/** `stream`: the one that was asked for; absent if no stream makes such a request. */
export type Answered = Answer & { readonly stream?: string };

/**
 * The response of the API. By default it is honest: 200 with what is asked for, 400 for an impossible page, 401 for wrong credentials,
 * 404 for a request that the connector does not make.
 */
export function answer(model: Model, request: Received, troubled: Troubled = honest): Answered {
  const url = new URL(withoutKey(model.client.connector.auth, request.url.href));
  const places = placesOfReceived({ ...request, url }, model.basePath);
  const found = linked(model, request) ?? declared(model, places);
  if (found === undefined) return refusal(404, 'not_found', notFoundMessage(model, places));
  const { stream, open, reply } = found;
  const { instead, twist, revoked } = troubled(stream, request);
  const why = open ? undefined : complaint(model.client, request, revoked);
  const right = why === undefined ? dressedAs(twist.dressed, reply(request, twist)) : refusal(401, 'unauthorized', why);
  return { ...(instead ?? right), ...(stream === undefined ? {} : { stream }) };
}

/** A good answer that looks like another one: it has its status, and what stands in its body besides. */
function dressedAs(look: Answer | undefined, right: Answer): Answer {
  if (look === undefined || right.status !== 200) return right;
  const [own, other] = [right.body, look.body];
  const body = isPlainObject(own) && isPlainObject(other) ? { ...other, ...own } : own;
  return { status: look.status, headers: { ...look.headers, ...right.headers }, body };
}

type Found = {
  readonly stream?: string;
  readonly open?: true;
  readonly reply: (request: Received, twist: Twist) => Answer;
};

/** What a link of an earlier page asks for. */
function linked({ streams }: Model, { url: { pathname, searchParams } }: Received): Found | undefined {
  const page = searchParams.get('cursor');
  if (pathname !== NEXT_PATH || page === null) return undefined;
  const name = parseCursor(page)?.stream;
  const stream = streams.find((one) => one.name === name);
  const way = stream?.ways.find(({ paging }) => paging.kind === 'links' || paging.kind === 'job');
  if (stream === undefined || way === undefined) return undefined;
  return { stream: stream.name, reply: (request, twist) => answerPage(stream, way, { page }, request, twist) };
}

/** The question that a request of the connector asks. A request with an unknown parent may be one of another stream. */
function declared({ questions }: Model, places: Places): Found | undefined {
  const made = questions.flatMap(({ forms, answer: reply, ...found }) => {
    const asked = forms.map(({ read }) => read(places)).filter((one) => one !== undefined);
    return asked.map((one) => ({
      ...found,
      asked: one,
      reply: (request: Received, twist: Twist) => reply(one, request, twist),
    }));
  });
  return made.find(({ asked }) => knowsParents(asked)) ?? made[0];
}
