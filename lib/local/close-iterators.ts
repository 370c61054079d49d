import { createRequire } from 'node:module';

type Iterators = { readonly prototype: { close(): Promise<void>; return?: () => Promise<void> } };
type Store = { readonly AbstractKeyIterator: Iterators; readonly AbstractValueIterator: Iterators };

/**
 * dynalite asks the iterators of its store to `return` when it has read enough. Those of abstract-level, which its store is made of, only know `close`, so
 * each Query would keep tens of kilobytes for as long as the stack runs.
 */
export function closeIterators(): void {
  const store: Store = createRequire(import.meta.resolve('dynalite'))('abstract-level');
  for (const { prototype } of [store.AbstractKeyIterator, store.AbstractValueIterator])
    prototype.return ??= function close(this: { close(): Promise<void> }) {
      return this.close();
    };
}
