import type { Assembly, Stack } from './assembly.ts';
import { physicalId } from './names.ts';
import { type Answer, type Backend, ServiceError } from './service.ts';

/** How CloudFormation names the call that a body means: it speaks the older query protocol, forms in and XML out. */
export const cloudformationOperation = (body: Buffer): string =>
  new URLSearchParams(body.toString()).get('Action') ?? 'nothing';

/** CloudFormation over the templates of a run: what belongs to a stack, and by which name it goes here. */
export function cloudformation({ stacks }: Assembly, endpoint: string): Backend {
  return ({ operation, body }) => {
    try {
      if (operation !== 'ListStackResources')
        throw new ServiceError('InvalidAction', `The embedded CloudFormation does not know ${operation}.`);
      const name = new URLSearchParams(body.toString()).get('StackName');
      const stack = stacks.find((candidate) => candidate.name === name);
      if (stack === undefined) throw new ServiceError('ValidationError', `Stack with id ${name} does not exist`);
      return answer(200, `<ListStackResourcesResponse>${listing(stack, endpoint)}</ListStackResourcesResponse>`);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const { status, code, message } = error;
      return answer(
        status,
        `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
      );
    }
  };
}

const listing = (stack: Stack, endpoint: string): string => {
  const members = [...stack.resources].map(
    ([id, { type }]) =>
      `<member><LogicalResourceId>${id}</LogicalResourceId><PhysicalResourceId>${physicalId(stack, id, endpoint)}</PhysicalResourceId>` +
      `<ResourceType>${type}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>`,
  );
  return `<ListStackResourcesResult><StackResourceSummaries>${members.join('')}</StackResourceSummaries></ListStackResourcesResult>`;
};

const answer = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
});
