/**
 * Looks MessagePack over without decoding it: whether every length it names is there, and how deep it goes. A decoder that
 * believes the lengths makes room for four thousand million items on the word of five bytes.
 *
 * P1  Takes one step for each value, and memory for the depth only. No extension types: frames hold JSON.
 */

/** Deepest nesting of a frame. */
const MAX_DEPTH = 64;

/** Why these bytes are not one MessagePack value of JSON types; undefined where they are. */
export function packedProblem(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values that each open container still wants. */
  const wanted: number[] = [];
  let at = 0;
  try {
    do {
      const head = headOf(view, at);
      if (typeof head === "string") return head;
      at += head.size;
      if (at > bytes.byteLength) return "it ends too early";
      while (wanted.length > 0 && wanted.at(-1) === 0) wanted.pop();
      if (wanted.length > 0) wanted[wanted.length - 1]! -= 1;
      if (head.items > bytes.byteLength - at) return "it names more than it holds";
      if (head.items > 0) {
        if (wanted.length >= MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH} levels`;
        wanted.push(head.items);
      }
      while (wanted.length > 0 && wanted.at(-1) === 0) wanted.pop();
    } while (wanted.length > 0);
  } catch (cause) {
    if (cause instanceof RangeError) return "it ends too early";
    throw cause;
  }
  return at === bytes.byteLength ? undefined : "something follows the frame";
}

/** One value's own bytes, and the values inside it. */
interface Head {
  readonly size: number;
  readonly items: number;
}

const leaf = (size: number): Head => ({ size, items: 0 });

function headOf(view: DataView, at: number): Head | string {
  const byte = view.getUint8(at);
  if (byte <= 0x7f || byte >= 0xe0) return leaf(1);
  if (byte <= 0x8f) return { size: 1, items: 2 * (byte & 0x0f) };
  if (byte <= 0x9f) return { size: 1, items: byte & 0x0f };
  if (byte <= 0xbf) return leaf(1 + (byte & 0x1f));
  switch (byte) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return leaf(1);
    case 0xcc: // uint8
    case 0xd0: // int8
      return leaf(2);
    case 0xcd: // uint16
    case 0xd1: // int16
      return leaf(3);
    case 0xca: // float32
    case 0xce: // uint32
    case 0xd2: // int32
      return leaf(5);
    case 0xcb: // float64
    case 0xcf: // uint64
    case 0xd3: // int64
      return leaf(9);
    case 0xd9: // str8
      return leaf(2 + view.getUint8(at + 1));
    case 0xda: // str16
      return leaf(3 + view.getUint16(at + 1));
    case 0xdb: // str32
      return leaf(5 + view.getUint32(at + 1));
    case 0xdc: // array16
      return { size: 3, items: view.getUint16(at + 1) };
    case 0xdd: // array32
      return { size: 5, items: view.getUint32(at + 1) };
    case 0xde: // map16
      return { size: 3, items: 2 * view.getUint16(at + 1) };
    case 0xdf: // map32
      return { size: 5, items: 2 * view.getUint32(at + 1) };
    default:
      return "frames hold JSON: no binary data and no extension types";
  }
}
