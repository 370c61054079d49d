import { createRequire } from 'node:module';

const METHODS = ['_put', '_batch', '_del', '_get'] as const;
type Method = (...input: unknown[]) => Promise<unknown>;
type Store = { readonly ClassicLevel: { readonly prototype: Record<(typeof METHODS)[number], Method> } };

const answered = new WeakSet<Method>();

/**
 * dynalite ends the process when its store fails, as on a full disk. An error with a status is answered instead: as DynamoDB answers when it cannot.
 */
export function answerStoreErrors(): void {
  const store: Store = createRequire(import.meta.resolve('dynalite'))('classic-level');
  const { prototype } = store.ClassicLevel;
  for (const name of METHODS) {
    const method = prototype[name];
    if (answered.has(method)) continue;
    prototype[name] = function answer(this: unknown, ...input) {
      return method.apply(this, input).catch((error: unknown) => {
        throw error instanceof Error ? Object.assign(error, { statusCode: 500, body: failureOf(error) }) : error;
      });
    };
    answered.add(prototype[name]);
  }
}

const failureOf = ({ message }: Error) => ({
  __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
  message,
});
