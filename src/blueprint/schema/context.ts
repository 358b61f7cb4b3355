/** Schema of what agents know: contexts, policies over them, and where step outputs are written. */
import { closed, defaulted, free, maybe, text, texts } from "./object.ts";

export const ContextPolicySchema = closed(
  "ContextPolicy",
  "Which context keys and which earlier steps an agent may see. A name is visible when it is not excluded and `include` is absent or lists it.",
  {
    include: maybe(texts("Context keys that may be seen; absent: all. An empty list allows none.")),
    exclude: defaulted(texts("Context keys that are hidden, whatever `include` says."), []),
    steps: maybe(
      texts("Canonical names of the steps whose outputs may be seen; absent: all. An empty list allows none."),
    ),
    steps_exclude: defaulted(texts("Canonical names of steps whose outputs are hidden, whatever `steps` says."), []),
  },
);

export const MetaDefSchema = closed(
  "MetaDef",
  "A named context object that agents (`meta.meta_ref`) and steps (`$step_meta.ref`) refer to.",
  {
    name: text("Name that references use; unique among `metas`."),
    ctx: free("The context object. Its keys become context keys of whoever refers to it."),
  },
);

export const ProjectionPlacementSchema = closed(
  "ProjectionPlacementSpec",
  "Where step outputs are written as files: `<root>/<dir_template>/<step name>.md`.",
  {
    root: maybe(
      text("Which directory of the launch the files live below: `work_dir` (default) or `project_root`.", {
        examples: ["work_dir", "project_root"],
      }),
    ),
    dir_template: maybe(
      text(
        "Relative directory below the root. Must contain `{task_id}`, must not be absolute and must not contain `..`. Default `workspace/tasks/{task_id}/ctx`.",
        { examples: ["workspace/tasks/{task_id}/ctx"] },
      ),
    ),
  },
);
