import { jsonAnswer, type Probe, type ProbeApi, type ProbeRequest } from './probe.ts';

const grant = (token: string) => jsonAnswer({ access_token: token, token_type: 'Bearer', expires_in: 3_600 });
const unauthorised = jsonAnswer({ message: 'The token is not valid.' }, 401);
const LARGE = '9007199254740993';

/** Takes its first token back at page 3. */
function revokeToken(request: ProbeRequest, api: ProbeApi) {
  const { memory } = api;
  if (request.path === '/token') {
    memory.set('grants', (memory.get('grants') ?? 0) + 1);
    return grant(`token-${memory.get('grants')}`);
  }
  if (request.page === 3) memory.set('revoked', 1);
  return memory.has('revoked') && request.authorization === 'Bearer token-1' ? unauthorised : api.honest(request);
}

/** Gives no token, and remarks on what is sent in its place. */
function refuseToken(request: ProbeRequest, api: ProbeApi) {
  if (request.path === '/token') return jsonAnswer({ error: 'invalid_client', error_description: 'Unknown client.' });
  api.remarks.add(`sends "Authorization: ${request.authorization ?? ''}"`);
  return unauthorised;
}

/** Leads to another origin, which is another name of this machine. */
function leadElsewhere(request: ProbeRequest, api: ProbeApi) {
  if (request.path === '/token') return grant('secret');
  const elsewhere = request.host.replace('127.0.0.1', 'localhost');
  if (request.host === elsewhere && request.authorization !== undefined)
    api.remarks.add('sends its token to another origin');
  const answer = api.honest(request);
  const { link = '' } = answer.headers;
  return {
    ...answer,
    headers: { ...answer.headers, ...(link && { link: link.replace('<', `<http://${elsewhere}`) }) },
  };
}

/** Row 205 with this as its id. */
const withId205 =
  (id: string): Probe['answer'] =>
  (request, api) => {
    const answer = api.honest(request);
    return { ...answer, body: answer.body.replace('"id":205,', `"id":${id},`) };
  };

/** Credentials, and records that are not as declared. */
export const trustProbes: readonly Probe[] = [
  { title: 'says 200 with an error at its token endpoint', paging: 'pages', auth: 'token', answer: refuseToken },
  { title: 'takes the token back while it is read', paging: 'cursor', auth: 'token', answer: revokeToken },
  {
    title: 'takes no token any more from page 3 on',
    paging: 'pages',
    auth: 'token',
    answer: (request, api) => (request.path !== '/token' && request.page >= 3 ? unauthorised : api.honest(request)),
  },
  { title: 'leads to another origin', paging: 'links', auth: 'token', answer: leadElsewhere },
  {
    title: 'has an id of 2^53 + 1',
    paging: 'pages',
    named: { 205: LARGE },
    answer: (request, api) => api.honest(request),
  },
  { title: 'has a record whose id is null', paging: 'pages', invalid: ['205'], answer: withId205('null') },
  {
    title: 'has a record whose id is text',
    paging: 'pages',
    invalid: ['205'],
    answer: withId205('"two-hundred-and-five"'),
  },
];
