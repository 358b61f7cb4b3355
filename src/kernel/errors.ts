/** The kernel's errors: a journal that cannot be what this host wrote, or a flow that is not the one it was written by. */

/**
 * Stable codes.
 * - `journal_corrupt`: an entry's text, seq or digest is not what the chain says. Terminal; `details.seq` is the first bad one.
 * - `journal_newer`: an entry has a format version, or the run a behaviour flag, this host does not know. Use a newer host; nothing was changed.
 * - `divergence`: the recorded run and the flow disagree about a step. `details` names the key, the digest that differs and
 *   both sides. `resume` takes what to do about it.
 */
export type KernelErrorCode = "journal_corrupt" | "journal_newer" | "divergence";

/** The one error class of the kernel. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly code: KernelErrorCode;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(code: KernelErrorCode, message: string, details: Record<string, string | number> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
