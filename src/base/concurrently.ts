// Many pieces of work, a few at a time.

/**
 * Does `work` for 0 to count − 1 in order, at most `limit` at once. The first failure starts nothing more
 * and is thrown when what is under way has ended.
 * @example await concurrently({ count: urls.length, limit: 4 }, (index) => download(urls[index]));
 */
export async function concurrently(
  { count, limit }: { readonly count: number; readonly limit: number },
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < count && failure === undefined) {
      try {
        await work(next++);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, count) }, worker));
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}
