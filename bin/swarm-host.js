#!/usr/bin/env node
// The executable: checks that this Node is new enough, then hands over. Written so that any Node can read it.
import module from "node:module";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(`error: swarm-host needs Node.js 24 or newer, and this is ${process.versions.node}\n`);
  process.stderr.write("  try: install a current Node.js, or `npm install node@24` and run it with npx\n");
  process.exitCode = 2;
} else {
  // Compiled code is kept between starts.
  module.enableCompileCache();
  await import("../dist/bin/main.js");
}
