/** OperatorError: the one error class of this layer. */
import type { JsonObject } from "../flow/index.ts";

/**
 * What the desk refuses, stable across releases.
 *
 * | code                   | meaning                                                                                  |
 * |------------------------|------------------------------------------------------------------------------------------|
 * | `session_unknown`      | there is no such session: it left, it expired, or it never was                           |
 * | `sessions_full`        | there are as many sessions as there can be                                               |
 * | `session_invalid`      | what a session says of itself is too long, or nothing                                    |
 * | `seat_unknown`         | the run's Blueprint declares no such seat                                                |
 * | `seat_required`        | the run's Blueprint declares several seats, or none, and none was named                  |
 * | `seat_invalid`         | a seat was taken without saying what for                                                 |
 * | `binding_unattested`   | strict_binding, and nobody attests what an agent's runner asks for                       |
 * | `seats_full`           | as many seats of the run are held as can be                                              |
 * | `seat_moved`           | the seat has another holder or generation by now, or is vacant                           |
 * | `request_unknown`      | there is no such request                                                                 |
 * | `request_closed`       | nobody waits for this request any more                                                   |
 * | `request_kind`         | a request of this kind is not answered in this way                                       |
 * | `submission_conflict`  | the request has another answer already                                                   |
 * | `submit_format`        | the answer is not of the form that the step wants                                        |
 * | `submission_too_large` | the answer is longer than an answer may be                                               |
 * | `submission_not_text`  | the answer is not UTF-8                                                                  |
 * | `verdict_conflict`     | `verdict` and `ok` contradict one another, or the verdict is none                        |
 * | `file_refused`         | the step takes no file, or not this one                                                  |
 * | `file_invalid`         | what is named is not one absolute path of a file that can be read                        |
 * | `file_missing`         | there is no such file                                                                    |
 * | `part_name`            | a part cannot be called so                                                               |
 * | `report_invalid`       | stats, a degradation or progress that is not of its form                                 |
 * | `system_none`          | the agent has no system prompt                                                           |
 * | `output_unknown`       | the run has no such output, or the step may not see it                                   |
 * | `material_full`        | more parts or degradations than a request may have                                       |
 * | `frame_invalid`        | a frame that the protocol does not have, or out of its order                             |
 */
export type OperatorErrorCode =
  | "session_unknown"
  | "sessions_full"
  | "session_invalid"
  | "seat_unknown"
  | "seat_required"
  | "seat_invalid"
  | "binding_unattested"
  | "seats_full"
  | "seat_moved"
  | "request_unknown"
  | "request_closed"
  | "request_kind"
  | "submission_conflict"
  | "submit_format"
  | "submission_too_large"
  | "submission_not_text"
  | "verdict_conflict"
  | "file_refused"
  | "file_invalid"
  | "file_missing"
  | "part_name"
  | "report_invalid"
  | "system_none"
  | "output_unknown"
  | "material_full"
  | "frame_invalid";

/** Any refusal of this layer. `message` names the thing and the way out; nothing was changed. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
  readonly code: OperatorErrorCode;
  readonly details: JsonObject;

  constructor(
    code: OperatorErrorCode,
    message: string,
    more: { readonly details?: JsonObject; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? {};
  }
}
