/**
 * Source maps: from a JSON pointer into a document to the place in a file where the author wrote it.
 *
 * M1. A map answers with the nearest place it knows: a pointer's own, else its closest ancestor's.
 * M2. Positions are worked out when they are asked for; a document without findings pays nothing.
 */
import type { Diagnostic, SourcePosition } from "./diagnostic.ts";
import { parentPointer, pointerTokens } from "./json-pointer.ts";

/** Answers where something was written. */
export interface SourceMap {
  /** Place of the value at `pointer`; of its key, where it is a member of an object. Undefined where nothing is known. */
  position(pointer: string): SourcePosition | undefined;
}

/** The map of a document that has no source text. */
export const noSource: SourceMap = Object.freeze({ position: () => undefined });

/** A map over positions that are known by pointer. */
export function positionsByPointer(positions: ReadonlyMap<string, SourcePosition>): SourceMap {
  return {
    position(pointer) {
      for (let at: string | undefined = pointer; at !== undefined; at = parentPointer(at)) {
        const known = positions.get(at);
        if (known !== undefined) return known;
      }
      return undefined;
    },
  };
}

/** A map that is made when it is first asked. */
export function lazySourceMap(make: () => SourceMap): SourceMap {
  let made: SourceMap | undefined;
  return {
    position(pointer) {
      made ??= make();
      return made.position(pointer);
    },
  };
}

/** What a linked file contributes: everything at or below `pointer`, except the keys the referencing object wrote itself. */
export interface LinkedSource {
  readonly pointer: string;
  /** Keys of the referencing object that stand beside the ref, and stay where they were. */
  readonly siblings: ReadonlySet<string>;
  /** Map of the linked file; its pointers are relative to `pointer`. */
  readonly map: SourceMap;
}

/** The map of a document into which files were linked. */
export function withLinkedSources(base: SourceMap, linked: readonly LinkedSource[]): SourceMap {
  const byPointer = new Map(linked.map((source) => [source.pointer, source]));
  return {
    position(pointer) {
      for (let at: string | undefined = pointer; at !== undefined; at = parentPointer(at)) {
        const source = byPointer.get(at);
        if (source === undefined) continue;
        const rest = pointer.slice(at.length);
        const [key] = pointerTokens(rest);
        if (key !== undefined && source.siblings.has(key)) return base.position(pointer);
        return source.map.position(rest) ?? base.position(pointer);
      }
      return base.position(pointer);
    },
  };
}

/** The diagnostics with positions, in the order of the source where all of it is one file. */
export function located(diagnostics: readonly Diagnostic[], map: SourceMap): readonly Diagnostic[] {
  return diagnostics.map((diagnostic) => {
    if (diagnostic.position !== undefined || diagnostic.pointer === undefined) return diagnostic;
    const position = map.position(diagnostic.pointer);
    return position === undefined ? diagnostic : { ...diagnostic, position };
  });
}

/** Turns offsets into `text` into lines and columns. Offsets are asked for in any order. */
export function lineCounter(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}
