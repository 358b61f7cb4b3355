/**
 * What an attempt may record of itself: memos and moved deadlines, checked before anything is journaled.
 *
 * Owns: the limits. Does not own: the journal (run-driver), or what the values mean (the layers and workers that put them).
 */
import { type Json, type JsonObject, ownValue } from "../flow/index.ts";
import { MAX_WAIT_MS, type Memo } from "../kernel/index.ts";
import { MAX_MEMO_NAME, MAX_MEMO_TEXT, MAX_MEMOS, type StepMemo } from "./dispatch.ts";
import { EngineError } from "./errors.ts";

/**
 * The memos of one attempt.
 * @param memos what is recorded now; undefined: the attempt is over.
 * @param record journals one; throws where it is refused, resolves when it is durable.
 */
export function recordedMemos(
  memos: () => JsonObject | undefined,
  record: (memo: Memo, value: Json) => Promise<void>,
): StepMemo {
  return {
    get: (name) => ownValue(memos() ?? {}, name),
    put: async (name, value, options = {}) => {
      check(name, value, memos() ?? {});
      await record({ name, attach: options.attach === true }, value);
    },
  };
}

/** @throws EngineError `invalid_deadline`. */
export function checkDeadline(deadline: number, now: number): void {
  if (Number.isSafeInteger(deadline) && deadline >= 0 && deadline <= now + MAX_WAIT_MS) return;
  throw new EngineError(
    "invalid_deadline",
    `a deadline is whole milliseconds since 1970, at most ten years ahead; got ${String(deadline)}`,
  );
}

function check(name: string, value: Json, memos: JsonObject): void {
  if (name === "" || name.length > MAX_MEMO_NAME)
    throw invalid(`a memo's name has 1 to ${MAX_MEMO_NAME} characters, this one ${name.length}`, name);
  const size = JSON.stringify(value).length;
  if (size > MAX_MEMO_TEXT)
    throw invalid(`the memo '${name}' has ${size} characters of JSON, at most ${MAX_MEMO_TEXT}`, name);
  if (!Object.hasOwn(memos, name) && Object.keys(memos).length >= MAX_MEMOS)
    throw invalid(`an attempt records at most ${MAX_MEMOS} memos; there is no room for '${name}'`, name);
}

function invalid(message: string, name: string): EngineError {
  return new EngineError("invalid_memo", message, { details: { name: name.slice(0, MAX_MEMO_NAME) } });
}
