/** The compatibility door: the face of the reference system, as a facade over the host. Off unless it is asked for. */
export { openDoor } from "./door.ts";
