/**
 * Overrun: a script needs more than an inline run may have (inline-lane.ts).
 *
 * Not a LuaError, so that nothing on its way turns it into something the script sees, and no caller of the layer gets it.
 */
export class Overrun extends Error {
  override readonly name = "Overrun";

  constructor() {
    super("the script needs more than an inline run may have");
  }
}
