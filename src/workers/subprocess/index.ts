/** Child processes: the host's door to them, and the worker. */
export { type SubprocessParts, subprocessWorker } from "./subprocess.ts";
export { SUBPROCESS_LIMITS, SubprocessHost, type SubprocessLimits, type SubprocessOptions } from "./subprocess-host.ts";
