/**
 * The part of the WebAssembly interface this layer uses. TypeScript declares it with the browser's types only, which a
 * program without a browser leaves out.
 */
declare namespace WebAssembly {
  type ImportValue = (...args: never[]) => unknown;
  type ExportValue = object;
  type Imports = Record<string, Record<string, ImportValue>>;

  class Module {
    constructor(bytes: Uint8Array);
  }

  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Record<string, ExportValue>;
  }

  class Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    readonly length: number;
    grow(entries: number): number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
  }
}
