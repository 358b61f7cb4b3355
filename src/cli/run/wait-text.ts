/** What a run that only waits waits for, in words. */

/** `waits until 2026-11-21T12:00:00.000Z`, or for whatever comes from outside. Milliseconds since 1970. */
export function waitText(wakeAt: number | undefined): string {
  return wakeAt === undefined
    ? "waits for a signal, or to be resumed"
    : `waits until ${new Date(wakeAt).toISOString()}`;
}
