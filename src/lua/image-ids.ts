/**
 * Numbers for images, so that a thread is sent each image once.
 *
 * Owns: which images are equal.
 * Does not own: compiled images (thread.ts).
 */
import { LRUCache } from "lru-cache";
import type { LuaImage } from "./invocation.ts";
import type { ImageId } from "./protocol.ts";

/** Images remembered by content; one that is forgotten gets a new number, and is compiled again. */
const MAX_IMAGES = 4_096;
/** Characters of source remembered in all. */
const MAX_CHARACTERS = 64 * 1_048_576;

/** Gives equal images equal numbers. */
export class ImageIds {
  readonly #byContent = new LRUCache<string, ImageId>({
    max: MAX_IMAGES,
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_, content) => content.length,
  });
  /** Short cut for the same object: callers keep theirs. */
  readonly #byObject = new WeakMap<LuaImage, ImageId>();
  #last = 0;

  idOf(image: LuaImage): ImageId {
    const known = this.#byObject.get(image);
    if (known !== undefined) return known;
    const content = JSON.stringify([image.kind, image.chunkName, image.host, image.roots ?? [], image.source]);
    let id = this.#byContent.get(content);
    if (id === undefined) {
      this.#last += 1;
      id = this.#last;
      this.#byContent.set(content, id);
    }
    this.#byObject.set(image, id);
    return id;
  }
}
