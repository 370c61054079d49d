import * as z from 'zod';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** What may stand in JSON for a record of this schema, before zod changes it. What JSON cannot hold can have no value. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === 'date' && def.coerce) Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
      else if (NOT_IN_JSON.has(def.type)) Object.assign(jsonSchema, { not: {} });
    },
  });

const NOT_IN_JSON: ReadonlySet<string> = new Set([
  'bigint',
  'date',
  'file',
  'map',
  'set',
  'symbol',
  'undefined',
  'void',
]);

/** The node with what its `allOf` parts say about an object folded in: what zod makes of intersections. */
export function merged(node: JsonSchema): JsonSchema {
  const all = [...(node.allOf ?? []).map(merged), node];
  if (all.every(({ properties }) => properties === undefined)) return node;
  return {
    ...node,
    type: 'object',
    properties: Object.fromEntries(all.flatMap(({ properties = {} }) => Object.entries(properties))),
    required: all.flatMap(({ required = [] }) => required),
  };
}

/** Every regular expression that a text must match: one of its own, or several in `allOf`. */
export const patternsOf = (node: JsonSchema): RegExp[] =>
  [node, ...(node.allOf ?? [])].flatMap(({ pattern }) => (pattern === undefined ? [] : [new RegExp(pattern)]));

/** The alternatives of a node that allows several, or `undefined`. */
export function branchesOf(node: JsonSchema): readonly JsonSchema[] | undefined {
  const { type } = node;
  return node.anyOf ?? node.oneOf ?? (Array.isArray(type) ? type.map((one) => ({ ...node, type: one })) : undefined);
}
