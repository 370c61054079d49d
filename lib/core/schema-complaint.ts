import type * as z from 'zod';

/**
 * What is wrong with a value of a person or a file, as half a sentence that names the place and the remedy; `undefined` if it fits. Only the
 * first issue is told: the others are often its consequences.
 */
export function schemaComplaint(shape: z.ZodType, value: unknown): string | undefined {
  const result = shape.safeParse(value);
  if (result.success) return undefined;
  const [issue] = result.error.issues;
  if (issue === undefined) return 'it is not as it must be';
  const place = issue.path.length === 0 ? '' : `"${issue.path.join('.')}": `;
  return `${place}${inWords(issue, at(value, issue.path))}`;
}

function inWords(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${key}"`).join(', ');
    return `there is no such field as ${names}; it is misspelt, or stands in the wrong place`;
  }
  // The complaint about a key stands inside.
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (found === undefined && issue.path.length > 0) return 'is missing';
  return issue.message;
}

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce(
    (found: unknown, step) => (typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined),
    value,
  );
