/** Where this folder's threads begin. Run from source the files are TypeScript, run from dist they are JavaScript. */
export function threadFile(name: "writer-thread" | "maintenance-thread"): URL {
  return new URL(`./${name}${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
}
