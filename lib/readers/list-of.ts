/** A value as a list: it is one already, or there is nothing to write. */
export const listOf = (body: unknown): readonly unknown[] => (Array.isArray(body) ? body : []);
