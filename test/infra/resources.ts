import { Template } from 'aws-cdk-lib/assertions';
import type { Stack } from 'aws-cdk-lib/core';
import * as z from 'zod';

const resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
export type Resource = z.output<typeof resource>;

/** The resources of a stack's template, by their logical ids. */
export const resourcesOf = (stack: Stack): Readonly<Record<string, Resource>> =>
  z.object({ Resources: z.record(z.string(), resource) }).parse(Template.fromStack(stack).toJSON()).Resources;

/** Those of one type, at least one, with their properties parsed. */
export function ofType<S extends z.ZodType>(
  resources: Readonly<Record<string, Resource>>,
  type: string,
  properties: S,
): Readonly<Record<string, z.output<S>>> {
  const found = Object.entries(resources).filter(([, { Type }]) => Type === type);
  if (found.length === 0) throw new Error(`The template has no ${type}.`);
  return Object.fromEntries(found.map(([id, { Properties }]) => [id, properties.parse(Properties)]));
}

/** What an id refers to: `{"Fn::GetAtt": [<id>, "Arn"]}`. */
export const arn = z
  .object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) })
  .transform((value) => value['Fn::GetAtt'][0]);
/** `{"Ref": <id>}`. */
export const ref = z.object({ Ref: z.string() }).transform((value) => value.Ref);

const join = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const imported = z
  .object({ 'Fn::GetStackOutput': z.object({ OutputName: z.string() }) })
  .transform((value) => value['Fn::GetStackOutput'].OutputName);

/** A value of a template as text, with names in the place of what only a deployment knows. */
export function textOf(value: unknown): string {
  const known = z.union([z.string(), imported, ref, arn, join]).parse(value);
  if (typeof known === 'string') return known;
  const [separator, parts] = known['Fn::Join'];
  return parts.map(textOf).join(separator);
}
