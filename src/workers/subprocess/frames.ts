/**
 * The framings of a streaming child: bytes in pieces of any size in, whole frames out.
 *
 * - `ndjson_lines`: a line is a frame; blank lines are none.
 * - `sse_events`: the `data:` lines up to an empty line, joined by line breaks, are a frame; other fields are none.
 * - `length_prefixed`: four bytes of big-endian length, then so many bytes. A length of 0 is not a frame.
 *
 * Q1  A decoder holds at most one frame and one piece. A longer frame, or a length of 0, is `subprocess_frame`.
 */
import type { StreamMode } from "../../blueprint/compiled.ts";
import { WorkerError } from "../errors.ts";

/** Cuts a byte stream into frames. */
export interface FrameDecoder {
  /** The frames completed by these bytes. @throws WorkerError `subprocess_frame` (Q1). */
  push(bytes: Uint8Array): readonly string[];
  /** The last frame, where the stream ended without closing it; `truncated` where that cannot be one. */
  end(): { readonly frames: readonly string[]; readonly truncated: boolean };
}

/** A decoder of a stream in `mode`. `frameBytes` bounds a frame. */
export function frameDecoder(mode: StreamMode, frameBytes: number): FrameDecoder {
  switch (mode) {
    case "ndjson_lines":
      return ndjson(frameBytes);
    case "sse_events":
      return serverSentEvents(frameBytes);
    case "length_prefixed":
      return lengthPrefixed(frameBytes);
  }
}

function tooLong(frameBytes: number): WorkerError {
  return new WorkerError("subprocess_frame", `a frame is longer than ${frameBytes} bytes; print smaller events`);
}

/** Whole lines of UTF-8 text, without their ends (`\n` or `\r\n`). */
class LineReader {
  readonly #decoder = new TextDecoder();
  readonly #limit: number;
  #rest: string[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): readonly string[] {
    return this.#cut(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The line that was not ended, "" where there is none. */
  end(): readonly string[] {
    return [...this.#cut(this.#decoder.decode()), this.#line("")];
  }

  #cut(text: string): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      lines.push(this.#line(text.slice(start, end)));
      start = end + 1;
    }
    this.#rest.push(text.slice(start));
    this.#length += text.length - start;
    if (this.#length > this.#limit) throw tooLong(this.#limit);
    return lines;
  }

  #line(end: string): string {
    this.#rest.push(end);
    const line = this.#rest.join("");
    this.#rest = [];
    this.#length = 0;
    if (line.length > this.#limit) throw tooLong(this.#limit);
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

function ndjson(frameBytes: number): FrameDecoder {
  const lines = new LineReader(frameBytes);
  const filled = (found: readonly string[]): readonly string[] => found.filter((line) => line.trim() !== "");
  return {
    push: (bytes) => filled(lines.push(bytes)),
    end: () => ({ frames: filled(lines.end()), truncated: false }),
  };
}

function serverSentEvents(frameBytes: number): FrameDecoder {
  const lines = new LineReader(frameBytes);
  let data: string[] = [];
  let length = 0;
  const take = (found: readonly string[]): readonly string[] => {
    const frames: string[] = [];
    for (const line of found) {
      if (line === "") {
        if (data.length > 0) frames.push(data.join("\n"));
        data = [];
        length = 0;
      } else if (line.startsWith("data:")) {
        const text = line.slice(line[5] === " " ? 6 : 5);
        data.push(text);
        length += text.length + 1;
        if (length > frameBytes) throw tooLong(frameBytes);
      }
    }
    return frames;
  };
  return {
    push: (bytes) => take(lines.push(bytes)),
    end: () => ({ frames: take([...lines.end(), ""]), truncated: false }),
  };
}

function lengthPrefixed(frameBytes: number): FrameDecoder {
  let pieces: Uint8Array[] = [];
  let held = 0;
  /** Bytes of the frame under way, once its length is known. */
  let wanted: number | undefined;
  const read = (length: number): Buffer => {
    const [first] = pieces;
    // Joined only where a frame spans pieces: a piece of many small frames is not copied for each of them.
    const all =
      pieces.length === 1 && first !== undefined
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(pieces);
    held -= length;
    pieces = held === 0 ? [] : [all.subarray(length)];
    return all.subarray(0, length);
  };
  return {
    push(bytes) {
      pieces.push(bytes);
      held += bytes.byteLength;
      const frames: string[] = [];
      while (held >= (wanted ?? 4)) {
        if (wanted === undefined) {
          wanted = read(4).readUInt32BE();
          if (wanted === 0) throw new WorkerError("subprocess_frame", "a frame has the length 0");
          if (wanted > frameBytes) throw tooLong(frameBytes);
        } else {
          frames.push(new TextDecoder().decode(read(wanted)));
          wanted = undefined;
        }
      }
      return frames;
    },
    end: () => ({ frames: [], truncated: held > 0 || wanted !== undefined }),
  };
}
