/** What a credential allows, as the API shows it. Never the credential. */
import type { Grant } from "../capability/index.ts";

/** A grant as JSON. Times in milliseconds since 1970. */
export function grantObject({ role, subject, verbs, binding, artifact, expiresAt, keyId }: Grant): object {
  return {
    role,
    subject,
    verbs: [...verbs].sort(),
    ...(binding && {
      run: binding.runId,
      key: binding.key,
      attempt: binding.attempt,
      fence: binding.fence,
      ...(binding.generation === undefined ? {} : { generation: binding.generation }),
    }),
    ...(artifact === undefined ? {} : { artifact }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(keyId === undefined ? {} : { key_id: keyId }),
  };
}
