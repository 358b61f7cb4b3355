/** A body as lines, as they come: UTF-8, bounded, one line in memory at a time. */

/**
 * The lines of a stream, without their ends; what follows the last end is a line too, where it is not empty.
 * @throws what `tooLong` and `notText` make, where a line is longer than `limit` UTF-16 units or bytes are not UTF-8.
 */
export async function* textLines(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
  refuse: { readonly tooLong: () => Error; readonly notText: (cause: unknown) => Error },
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw refuse.notText(cause);
    }
  };
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decode(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.length > limit) throw refuse.tooLong();
      yield line.endsWith("\r") ? line.slice(0, -1) : line;
    }
    if (rest.length > limit) throw refuse.tooLong();
  }
  rest += decode();
  if (rest !== "") yield rest;
}
