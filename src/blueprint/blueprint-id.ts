/**
 * Blueprint ids: what a store can use as a name, and what is wise.
 *
 * mlua-swarm takes any text. Here an id that would name another place than its own is refused; one that is merely
 * outside the portable grammar is accepted with a warning, so that its Blueprints load unchanged.
 */

/** The recommended grammar. */
export const PORTABLE_ID = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/** Longest id that is accepted, in UTF-8 bytes. */
export const MAX_ID_BYTES = 200;

/** Why an id cannot be used, or undefined where it can. */
export function idProblem(id: string): string | undefined {
  if (id === "") return "it is empty";
  if (id === "." || id === "..") return "it names a directory";
  if (/[/\\]/.test(id)) return "it contains a path separator, and would name a place outside its own";
  if (/\p{Cc}/u.test(id)) return "it contains a control character";
  if (Buffer.byteLength(id) > MAX_ID_BYTES) return `it is longer than ${MAX_ID_BYTES} bytes`;
  return undefined;
}

/** The portable id nearest to `id`: lower case, other characters as `-`, at most 100 long; `blueprint` for nothing left. */
export function portableId(id: string): string {
  const text = id
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .replace(/-+$/, "")
    .slice(0, 100);
  return text === "" ? "blueprint" : text;
}
