import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Makes a call whose first answer is lost on its way back, so that it is sent a second time; gives what it then comes to. */
export type SendTwice = <T>(call: () => Promise<T>) => Promise<T>;

/** Loses answers of a client that retries: each is read, then thrown away for an error of the network. */
export function lostAnswers(client: DynamoDBDocumentClient): SendTwice {
  let losing = false;
  client.middlewareStack.add(
    (next) => async (input) => {
      // Whatever the service said, a failed condition as well.
      const answered = next(input);
      if (!losing) return answered;
      losing = false;
      await answered.catch(() => {});
      throw Object.assign(new Error('the answer was lost'), { name: 'TimeoutError' });
    },
    { step: 'deserialize', priority: 'high' },
  );
  return async (call) => {
    losing = true;
    return call();
  };
}
