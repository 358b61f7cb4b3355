import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["spec/**/*.spec.ts"],
    setupFiles: ["spec/setup.ts"],
    testTimeout: 60_000,
    reporters:
      process.env["CI"] === "true" ? ["default", ["json", { outputFile: "coverage/report.json" }]] : ["default"],
  },
});
