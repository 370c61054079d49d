/** Where closed syncs lie: a bucket, a folder, or anything else that holds objects under keys. */
export type Source = {
  /** The keys that begin with the prefix, in any order. */
  list(prefix: string): AsyncIterable<string>;
  /** The bytes of an object. Throws if there is none under this key. */
  open(key: string): Promise<AsyncIterable<Uint8Array>>;
};
