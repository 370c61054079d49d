/** Takes all items, so many at once, and gives the results in their order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  take: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await take(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
