import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["spec/**/*.spec.ts"],
    setupFiles: ["spec/setup.ts"],
    testTimeout: 60_000,
    // Vitest would leave one core to itself; most of these files wait for processes and disks.
    maxWorkers: "100%",
    reporters:
      process.env["CI"] === "true" ? ["default", ["json", { outputFile: "coverage/report.json" }]] : ["default"],
  },
});
