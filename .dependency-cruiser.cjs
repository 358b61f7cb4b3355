// Imports point downwards only. The layers, lowest first, are those of spec/design.md.
const layers = [
  ["src/flow", []],
  ["src/capability", []],
  ["src/kernel", ["src/flow"]],
  ["src/blueprint", ["src/flow", "src/capability", "src/kernel"]],
  ["src/lua", ["src/flow", "src/capability", "src/kernel"]],
  ["stores", ["src/flow", "src/capability", "src/kernel"]],
  ["src/engine", ["src/flow", "src/kernel", "src/capability", "stores/ports.ts"]],
];
const engineUsers = ["src/flow", "src/kernel", "src/capability", "src/blueprint", "src/lua", "src/engine", "stores/ports.ts"];
layers.push(["src/middleware", engineUsers]);
layers.push(["src/workers", engineUsers]);
layers.push(["src/operators", engineUsers]);
layers.push(["src/enhance", engineUsers]);
const base = (path) => (path.endsWith(".ts") ? path.replace(/\./g, "\\.") : path);

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    ...layers.map(([from, allowed]) => ({
      name: `${from}-imports-downwards`,
      severity: "error",
      from: { path: `^${from}/` },
      to: { path: "^(src|stores)/", pathNot: [`^${from}/`, ...allowed.map((path) => `^${base(path)}`)].join("|") },
    })),
    {
      name: "pure-layers-import-no-node",
      comment: "flow and kernel are pure: no clock, no randomness, no I/O.",
      severity: "error",
      from: { path: "^src/(flow|kernel)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "only-the-composition-root-knows-backends",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/host\\.ts$" },
      to: { path: "^stores/", pathNot: "^stores/ports\\.ts$" },
    },
    {
      name: "only-host-or-client-above",
      comment: "cli, server, mcp and console know host.ts, the client and plain data, never a part directly.",
      severity: "error",
      from: { path: "^src/(cli|server|mcp|console)/" },
      to: { path: "^src/(workers|middleware|operators|enhance|engine)/" },
    },
    { name: "not-to-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "no-dev-dependencies", severity: "error", from: { path: "^(src|stores)/" }, to: { dependencyTypes: ["npm-dev"] } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    parser: "swc",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};
