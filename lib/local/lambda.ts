import type { DeclaredFunction, Outcome } from './function-process.ts';
import type { Answer, Backend } from './service.ts';

/** Lambda over the functions of a run: what they are told, and calling them. */
export type Functions = {
  readonly declared: readonly DeclaredFunction[];
  /** By the names of the functions that have one. */
  readonly urls: ReadonlyMap<string, string>;
  /** Only of a function that nothing else invokes for work: housekeeping. */
  invoke(name: string, event: unknown): Promise<Outcome> | undefined;
};

const PATH = /^\/20\d\d-\d\d-\d\d\/functions\/([^/?]+)\/(configuration|invocations|url)(?:\?.*)?$/;

const MAPPING = /^\/2015-03-31\/event-source-mappings\/[^/?]+$/;

/** How Lambda names the call that a method and a path mean. */
export function lambdaOperation(method: string, url: string): string {
  if (method === 'GET' && MAPPING.test(url)) return 'GetEventSourceMapping';
  const [, , what] = PATH.exec(url) ?? [];
  if (what === 'configuration' && method === 'GET') return 'GetFunctionConfiguration';
  if (what === 'url' && method === 'GET') return 'GetFunctionUrlConfig';
  return what === 'invocations' && method === 'POST' ? 'Invoke' : `${method} ${url}`;
}

export function lambda({ declared, urls, invoke }: Functions): Backend {
  return async ({ operation, url: path, body }) => {
    // Those of a run are always on.
    if (operation === 'GetEventSourceMapping') return answer(200, { State: 'Enabled' });
    const name = decodeURIComponent(PATH.exec(path)?.[1] ?? '');
    const found = declared.find((each) => each.name === name);
    if (found === undefined) return refusal(404, 'ResourceNotFoundException', `Function not found: ${name}`);
    if (operation === 'GetFunctionConfiguration')
      return answer(200, { FunctionName: name, Environment: { Variables: found.environment } });
    const url = urls.get(name);
    if (operation === 'GetFunctionUrlConfig' && url !== undefined) return answer(200, { FunctionUrl: url });
    const outcome = operation === 'Invoke' ? await invoke(name, parse(body)) : undefined;
    if (outcome === undefined)
      return refusal(501, 'NotImplemented', `The embedded Lambda does not know ${operation} of ${name}.`);
    if (outcome.ok) return { ...answer(200, {}), body: outcome.result };
    const { name: errorType, message: errorMessage } = outcome.error;
    return answer(200, { errorType, errorMessage }, { 'x-amz-function-error': 'Unhandled' });
  };
}

const parse = (body: Buffer): unknown => (body.length === 0 ? {} : JSON.parse(body.toString()));

const answer = (status: number, body: object, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

const refusal = (status: number, code: string, message: string): Answer =>
  answer(status, { Message: message }, { 'x-amzn-errortype': code });
