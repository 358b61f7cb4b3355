/**
 * `swarm-host token inspect`: what a token says and whether it holds, without asking a host.
 *
 * Prints no signature and no key: what is shown cannot be used.
 */
import { decodeProtectedHeader } from "jose";
import {
  Capabilities,
  CapabilityError,
  type Caveat,
  type KeyRing,
  readToken,
  type TokenContents,
} from "../../capability/index.ts";
import { readKeys } from "../../key-file.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { timeText } from "../runs/time-text.ts";
import { formatDuration, oneLine, type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { tokenText } from "./token-text.ts";

/** Options as commander gives them. */
export interface InspectFlags extends DataDirFlag {
  readonly json?: boolean;
}

/** Whether a token holds. `unchecked`: there are no keys to prove it with. */
type Proof = "holds" | "unchecked" | "token_forged" | "token_key_unknown" | "token_expired";

const PROOFS: Readonly<Record<Proof, string>> = {
  holds: "it holds: a key of this data directory signed it",
  unchecked: "not proven: this data directory has no keys",
  token_forged: "it does not hold: the signature is wrong",
  token_key_unknown: "it does not hold here: this data directory does not have its key, or has rotated it away",
  token_expired: "it holds no more: its time is over",
};

/** Shows a token. 1 where it does not hold. */
export async function inspectCommand(surface: Surface, argument: string, flags: InspectFlags): Promise<ExitCode> {
  const token = await tokenText(surface, argument);
  const contents = readToken(token);
  const now = surface.now();
  const proof = proofOf(token, contents, await readKeys(dataDirectory(surface, flags)), now);
  const text = flags.json
    ? jsonText({ header: decodeProtectedHeader(token), ...objectOf(contents), proof })
    : linesOf(contents, proof, now, styleFor(surface.stdout, surface.env)).join("");
  await writeResult(surface.stdout, text);
  return proof === "holds" || proof === "unchecked" ? EXIT.done : EXIT.failed;
}

function proofOf(token: string, { effective }: TokenContents, keys: KeyRing | undefined, now: number): Proof {
  if (keys === undefined) return now >= effective.expiresAt * 1000 ? "token_expired" : "unchecked";
  try {
    new Capabilities(keys).verify(token, now);
    return "holds";
  } catch (error) {
    const code = error instanceof CapabilityError ? error.code : undefined;
    if (code === "token_forged" || code === "token_key_unknown" || code === "token_expired") return code;
    throw error;
  }
}

/** Times in milliseconds since 1970, as everywhere in the API. */
function objectOf({ keyId, claims, caveats, effective }: TokenContents): object {
  const { issuedAt, expiresAt, ...rest } = effective;
  return {
    key_id: keyId,
    ...rest,
    issued_at: issuedAt * 1000,
    expires_at: expiresAt * 1000,
    ...(caveats.length === 0
      ? {}
      : {
          made_with: {
            verbs: claims.verbs,
            expires_at: claims.expiresAt * 1000,
            ...(claims.artifact === undefined ? {} : { artifact: claims.artifact }),
          },
          narrowed_to: caveats.map(({ expiresAt: end, ...caveat }) => ({
            ...caveat,
            ...(end === undefined ? {} : { expires_at: end * 1000 }),
          })),
        }),
  };
}

function linesOf(
  { keyId, claims, caveats, effective }: TokenContents,
  proof: Proof,
  now: number,
  style: Style,
): string[] {
  const { subject, role, verbs, binding, artifact, issuedAt, expiresAt } = effective;
  const line = (name: string, text: string): string => `${style.faint(name.padEnd(9))} ${text}\n`;
  return [
    line("role", role),
    line("subject", oneLine(subject)),
    line("verbs", verbs.join(", ") || "none"),
    ...(binding === undefined
      ? []
      : [
          line("run", oneLine(binding.runId)),
          line("step", `${oneLine(binding.key)}, attempt ${binding.attempt}`),
          line(
            "fence",
            `${binding.fence}${binding.generation === undefined ? "" : `, generation ${binding.generation}`}`,
          ),
        ]),
    ...(artifact === undefined ? [] : [line("artifact", oneLine(artifact))]),
    line("issued", timeText(issuedAt * 1000)),
    line("expires", `${timeText(expiresAt * 1000)} (${distance(expiresAt * 1000 - now)})`),
    line("key", keyId),
    ...(caveats.length === 0
      ? []
      : [line("made with", `${claims.verbs.join(", ")}; to ${timeText(claims.expiresAt * 1000)}`)]),
    ...caveats.map((caveat) => line("narrowed", caveatText(caveat))),
    line("proof", proof === "holds" ? style.good(PROOFS[proof]) : style.warn(PROOFS[proof])),
  ];
}

function caveatText({ verbs, expiresAt, artifact }: Caveat): string {
  return [
    ...(verbs === undefined ? [] : [`to ${verbs.join(", ") || "no verb"}`]),
    ...(expiresAt === undefined ? [] : [`until ${timeText(expiresAt * 1000)}`]),
    ...(artifact === undefined ? [] : [`to the artifact ${oneLine(artifact)}`]),
  ].join(", ");
}

function distance(ms: number): string {
  return ms > 0 ? `in ${longDuration(ms)}` : `${longDuration(-ms)} ago`;
}

/** Days where there are many hours. */
function longDuration(ms: number): string {
  const DAY = 86_400_000;
  return ms < 2 * DAY ? formatDuration(ms) : `${Math.floor(ms / DAY)} days`;
}
