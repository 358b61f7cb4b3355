/** Writes the generated schema files. `node spec/blueprint/generate-schema.ts` */
import { writeFileSync } from "node:fs";
import { publishedSchema, validatorSource } from "./schema-files.ts";

const root = new URL("../../", import.meta.url);
writeFileSync(new URL("spec/blueprint.schema.json", root), `${JSON.stringify(publishedSchema(), null, 2)}\n`);
writeFileSync(new URL("src/blueprint/schema/validator.generated.ts", root), validatorSource());
