/**
 * Who asks, and whether they may: the door that every request goes through before its body is read.
 *
 * Owns: telling the kinds of credentials apart, and looking up what a rule's target is. Does not own: the rules (rules.ts),
 * the judgement (src/capability).
 *
 * A1  Whoever shows nothing that holds is told so (401) before anything else: not what there is, not what is missing.
 * A2  A credential that is bound to an attempt is worth what the attempt is: looked up at every request.
 * A3  What goes on for long is judged again while it does: a stream ends with its credential.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import {
  authorize,
  type Capabilities,
  CapabilityError,
  type CredentialSources,
  type Grant,
  HOST_GRANT,
  handleGrant,
  isHandle,
  MAX_TOKEN,
  sessionGrant,
  type Target,
  type Verb,
} from "../capability/index.ts";
import { isCredential } from "./credential.ts";
import { ServerError } from "./errors.ts";
import { ROUTES, type RouteRule, type RuleTable, ruleOf } from "./rules.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the shown credential allows. Not on open routes, nor where `anyone` may ask and shows nothing. */
    grant: Grant;
  }
}

/** What the door asks. */
export interface AccessPorts {
  /** The host's own credential. */
  readonly credential: string;
  readonly capabilities: Capabilities;
  /** Absent where there are no sessions and no workers from outside. */
  readonly sources?: CredentialSources;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** As much of a request as the door looks at. */
export interface Knock {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The path's parameters. */
  readonly params: unknown;
  readonly query: unknown;
}

/** How often the credential of a request that goes on is judged again (A3), in milliseconds. */
export const READMIT_MS = 5_000;

const BEARER = "bearer ";

/** What an `Authorization` header shows; undefined where that is no bearer token. */
export function bearerOf(authorization = ""): string | undefined {
  if (authorization.slice(0, BEARER.length).toLowerCase() !== BEARER) return undefined;
  const shown = authorization.slice(BEARER.length);
  return shown === "" || shown.length > MAX_TOKEN ? undefined : shown;
}

/** Judges who may do what. */
export class Access {
  readonly #ports: AccessPorts;

  constructor(ports: AccessPorts) {
    this.#ports = ports;
  }

  /**
   * What the shown credential allows.
   * @throws ServerError `unauthorized`; CapabilityError as `Capabilities.verify`.
   */
  async authenticate(authorization: string | undefined): Promise<Grant> {
    const { credential, capabilities, sources, now } = this.#ports;
    const shown = bearerOf(authorization);
    if (shown === undefined) throw unauthorized();
    if (shown.includes(".")) return capabilities.verify(shown, now());
    if (isHandle(shown)) {
      const binding = await sources?.handle(shown);
      if (binding === undefined) throw unauthorized();
      return handleGrant(binding);
    }
    if (isCredential(shown, credential)) return HOST_GRANT;
    const session = await sources?.session(shown);
    if (session === undefined) throw unauthorized();
    return sessionGrant(session);
  }

  /** Lets `verb` be used on `target`, or throws as `authorize` of src/capability does. */
  async authorize(grant: Grant, verb: Verb, target: Target): Promise<void> {
    const { binding } = grant;
    const state = binding && (await this.#ports.sources?.attempt(binding));
    authorize(grant, verb, target, state);
  }

  /** Lets a request pass that shows enough for a rule, and says what it shows; or throws as the two above do. */
  async admit(rule: RouteRule, knock: Knock): Promise<Grant> {
    const grant = await this.authenticate(knock.authorization);
    await this.authorize(grant, rule.verb, targetOf(rule, grant, knock));
    // The host's own credential may do everything, but a step it is not on is nobody's to speak for.
    if (rule.target === "step" && grant.binding === undefined) {
      throw new CapabilityError("wrong_binding", "the credential is bound to no step");
    }
    return grant;
  }
}

/**
 * Puts the door before every route of a server. Routes are added afterwards.
 * @param rules what they demand. Default: the native routes'.
 * @throws ServerError `route_unlisted`, from the adding of a route that the table does not have.
 */
export function guardRoutes(server: FastifyInstance, access: () => Access, rules: RuleTable = ROUTES): void {
  server.decorateRequest("grant");
  server.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) {
      if (ruleOf(each, url, rules) === undefined) {
        throw new ServerError("route_unlisted", `the route ${each} ${url} demands nothing: add it to ROUTES`);
      }
    }
  });
  server.addHook("onRequest", async (request) => {
    const rule = ruleOf(request.method, request.routeOptions.url ?? "", rules);
    if (rule === "open" || (rule?.anyone && request.headers.authorization === undefined)) return;
    // Not a route of ours: that there is none is told to those who may ask at all (A1).
    request.grant = await (rule === undefined
      ? access().authenticate(request.headers.authorization)
      : access().admit(rule, knockOf(request)));
  });
}

/** Lets a request that is still under way go on, or throws as `Access.admit` does. */
export async function readmit(access: Access, request: FastifyRequest): Promise<void> {
  const rule = ruleOf(request.method, request.routeOptions.url ?? "");
  if (rule !== undefined && rule !== "open") await access.admit(rule, knockOf(request));
}

/**
 * What a stream says, as long as whoever reads it may (A3).
 * @param admit rejects where that is over.
 */
export async function* whileAdmitted(
  texts: AsyncGenerator<string>,
  admit: () => Promise<void>,
  now: () => number,
): AsyncGenerator<string> {
  let judgedAt = now();
  for await (const text of texts) {
    if (now() - judgedAt >= READMIT_MS) {
      try {
        await admit();
      } catch (error) {
        // Whoever reads is told why when it asks again.
        if (error instanceof CapabilityError || error instanceof ServerError) return;
        throw error;
      }
      judgedAt = now();
    }
    yield text;
  }
}

function knockOf({ headers: { authorization }, params, query }: FastifyRequest): Knock {
  return { authorization, params, query };
}

function targetOf({ target, artifact }: RouteRule, grant: Grant, { params, query }: Knock): Target {
  switch (target) {
    case "none":
    case "host":
      return { kind: target };
    case "run":
      return { kind: "run", runId: named(params, "id") ?? "" };
    case "session":
      return { kind: "session", sessionId: named(params, "sid") ?? "" };
    case "step": {
      // Whoever is bound to none is refused by the judgement, once its verb is.
      const { runId, key, attempt } = grant.binding ?? { runId: "", key: "", attempt: 0 };
      const name = artifact === undefined ? undefined : (named(params, artifact) ?? named(query, artifact));
      return {
        kind: "step",
        runId: named(params, "id") ?? runId,
        key: named(params, "key") ?? key,
        attempt,
        ...(name === undefined ? {} : { artifact: name }),
      };
    }
  }
}

function named(from: unknown, name: string): string | undefined {
  if (typeof from !== "object" || from === null || !Object.hasOwn(from, name)) return undefined;
  const value = (from as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : undefined;
}

function unauthorized(): ServerError {
  return new ServerError("unauthorized", "show a credential that this host knows as a bearer token");
}
