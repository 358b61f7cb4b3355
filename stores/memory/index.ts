export { type MemoryOptions, openMemoryStores } from "./memory-stores.ts";
