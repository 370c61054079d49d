/**
 * Path of the node a sync hangs on. A child's path is its parent's, a dot, and its name. Whatever is asked for again after the close hangs
 * on a root of its own, one for each phase: `0`, `1`, …
 */
export const rootOf = (phase: number): string => (phase < 10 ? `${phase}` : phase < 100 ? `a${phase}` : `b${phase}`);
export const ROOT = rootOf(0);
/** The phase that a node is of. As text, too, a later one comes behind. */
export const phaseOf = (path: string): number => Number(/^[ab]?(\d+)/.exec(path)?.[1]);
/** What a node is in every phase: its path without it. The root's is empty. */
export const placeOf = (path: string): string => path.replace(/^[^.]*/, '');
/** The name of a group's child. It cannot be taken for a block's: a listing may have stood here before. */
export const sliceChild = (index: number): string => `s${index}`;
export function indexOfSlice(name: string): number | undefined {
  const [, digits] = /^s(\d+)$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
export const childPath = (parent: string, name: string | number): string => `${parent}.${name}`;
/** Parent and name of a node; the root has none. */
export function parentOf(path: string): { parent: string; name: string } | undefined {
  const dot = path.lastIndexOf('.');
  return dot < 0 ? undefined : { parent: path.slice(0, dot), name: path.slice(dot + 1) };
}
