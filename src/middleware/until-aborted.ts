/** Waiting that ends with the attempt. */

/**
 * What the promise comes to, or undefined where the signal aborts first while `waits`. Default: always. What comes after
 * that is not looked at.
 */
export async function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  waits: () => boolean = () => true,
): Promise<T | undefined> {
  if (signal.aborted && waits()) {
    promise.catch(() => {});
    return undefined;
  }
  const aborted = Promise.withResolvers<undefined>();
  const listener = (): void => {
    if (waits()) aborted.resolve(undefined);
  };
  signal.addEventListener("abort", listener, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", listener);
  }
}
