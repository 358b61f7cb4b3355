/**
 * Rows as node:sqlite gives them, as typed values. The tables are STRICT and ours; a value of another type means that
 * the file was damaged or edited, and is said so instead of being passed on.
 */
import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { StoreError } from "../../ports.ts";

/** The values of one row, in the order of the SELECT. */
export type Row = readonly (SQLOutputValue | undefined)[];

/** Runs a SELECT and maps its rows. */
export function rowsOf<T>(select: StatementSync, parameters: readonly SQLInputValue[], map: (row: Row) => T): T[] {
  select.setReturnArrays(true);
  return (select.all(...parameters) as unknown as Row[]).map(map);
}

/** A NOT NULL TEXT column. */
export function text(value: Row[number]): string {
  if (typeof value === "string") return value;
  throw unexpected("text", value);
}

/** A NOT NULL INTEGER column. */
export function integer(value: Row[number]): number {
  if (typeof value === "number") return value;
  throw unexpected("an integer", value);
}

/** A TEXT column. */
export function optionalText(value: Row[number]): string | undefined {
  return value === null ? undefined : text(value);
}

/** An INTEGER column. */
export function optionalInteger(value: Row[number]): number | undefined {
  return value === null ? undefined : integer(value);
}

function unexpected(wanted: string, value: Row[number]): StoreError {
  return new StoreError(
    "store_corrupt",
    `the store holds ${value === null ? "null" : typeof value} where ${wanted} is kept: run \`swarm-host doctor\`, or restore a backup`,
  );
}
