/** Waiting for a file. */
import { existsSync, watch } from "node:fs";
import { dirname } from "node:path";

/** Resolves when the file is there: the only sign a program without a pipe of its own can give. */
export async function appears(file: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(dirname(file), () => {
      if (!existsSync(file)) return;
      watcher.close();
      resolve();
    });
    if (existsSync(file)) {
      watcher.close();
      resolve();
    }
  });
}
