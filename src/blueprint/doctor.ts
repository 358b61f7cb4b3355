/**
 * Linting: everything compiling finds, and the report-only lints on top. Nothing here keeps a Blueprint from running.
 */
import type { JsonObject } from "../flow/index.ts";
import { type Compilation, collectFindings } from "./compile/compilation.ts";
import type { CompileEnvironment } from "./compile/environment.ts";
import { type CompileResult, examineBlueprint, finishCompiling } from "./compile.ts";
import { lintBindings } from "./doctor/binding-lints.ts";
import { lintContexts } from "./doctor/context-lints.ts";
import { lintMaps } from "./doctor/lint-control.ts";
import { lintPrompts } from "./doctor/prompt-lints.ts";
import { lintVerdicts } from "./doctor/verdict-lints.ts";
import { levelFindings } from "./lint-levels.ts";
import type { Blueprint, LintMap } from "./schema.ts";

/** What to lint with. */
export interface LintOptions {
  /** Levels of this call, over those of the document. */
  readonly lints?: LintMap;
  /** Context a launch would seed (`work_dir`, `project_root`, ...); absent: launches are not looked at. */
  readonly launch?: JsonObject;
}

/**
 * Lints a Blueprint: compile findings first, then the doctor's, each with its final level. `compiled` is what
 * compileBlueprint gives for the same document: a lint that is denied does not keep it away.
 */
export function lintBlueprint(
  blueprint: Blueprint,
  environment: CompileEnvironment,
  options: LintOptions = {},
): CompileResult {
  const examined = examineBlueprint(blueprint, environment);
  const { findings, report } = collectFindings();
  const compilation: Compilation = { blueprint, environment, report };
  lintPrompts(compilation);
  lintBindings(compilation);
  lintVerdicts(compilation, examined.facts, examined.handled);
  lintContexts(compilation, options.launch);
  lintMaps(compilation, options.lints);
  const { compiled } = finishCompiling(examined, environment);
  const leveled = levelFindings([...examined.findings, ...findings], blueprint, {
    linting: true,
    ...(options.lints === undefined ? {} : { lints: options.lints }),
  });
  return compiled === undefined ? leveled : { ...leveled, compiled };
}
