import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["spec/**/*.spec.ts"],
    testTimeout: 30_000,
    reporters:
      process.env["CI"] === "true" ? ["default", ["json", { outputFile: "coverage/report.json" }]] : ["default"],
  },
});
