/**
 * What the process tells its caller: one table, used by every command.
 *
 * | code | meaning                                                                                     |
 * |------|---------------------------------------------------------------------------------------------|
 * | 0    | done                                                                                        |
 * | 1    | the run failed, `doctor` found a fault, or the machine refused (disk full, directory in use) |
 * | 2    | bad usage, bad input or a Blueprint that does not compile: nothing ran                      |
 * | 3    | the run waits for something from outside: whoever serves the data directory goes on with it  |
 * | 129  | cancelled because the terminal went away (SIGHUP)                                           |
 * | 130  | cancelled by Ctrl-C (SIGINT)                                                                |
 * | 143  | cancelled by SIGTERM                                                                        |
 */
export const EXIT = { done: 0, failed: 1, usage: 2, waits: 3, hangup: 129, cancelled: 130, terminated: 143 } as const;

/** One of the codes above. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The signals that cancel a run, with the code each ends in: 128 and the signal's number, as shells have it. */
export const SIGNAL_EXIT = { SIGINT: EXIT.cancelled, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hangup } as const;

/** A signal that cancels. */
export type CancelSignal = keyof typeof SIGNAL_EXIT;
