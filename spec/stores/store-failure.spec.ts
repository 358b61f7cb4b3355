/** What SQLite and the file system complain about, in the store's own codes. */
import { describe, expect, it } from "vitest";
import { storeError } from "../../stores/sqlite/store-failure.ts";

const sqlite = (errcode: number): Error => Object.assign(new Error("complaint"), { code: "ERR_SQLITE_ERROR", errcode });

describe("a failure of SQLite or the file system", () => {
  it.each([
    ["SQLITE_FULL", sqlite(13), "store_full"],
    ["SQLITE_IOERR_SHMSIZE", sqlite(4874), "store_full"],
    ["SQLITE_IOERR_WRITE", sqlite(778), "store_io"],
    ["SQLITE_IOERR_FSYNC", sqlite(1034), "store_io"],
    ["SQLITE_BUSY_SNAPSHOT", sqlite(517), "store_locked"],
    ["SQLITE_CORRUPT_INDEX", sqlite(779), "store_corrupt"],
    ["SQLITE_NOTADB", sqlite(26), "store_corrupt"],
    ["ENOSPC", Object.assign(new Error("complaint"), { code: "ENOSPC" }), "store_full"],
    ["EDQUOT", Object.assign(new Error("complaint"), { code: "EDQUOT" }), "store_full"],
    ["EACCES", Object.assign(new Error("complaint"), { code: "EACCES" }), "store_io"],
  ])("%s names what happened, where, and the way out", (_name, cause, code) => {
    const error = storeError(cause, "write to", "data.db");
    expect(error).toMatchObject({ code, cause, details: { path: "data.db" } });
    expect(error.message).toMatch(/^could not write to data\.db: complaint; .{10,}/u);
  });
});
