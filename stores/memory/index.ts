export { openMemoryStores } from "./memory-stores.ts";
