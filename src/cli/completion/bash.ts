/** The bash completion script: no bash-completion package needed. */
import { type CommandShape, type Completes, flatten } from "./command-shape.ts";

/** The script. */
export function bashScript(root: CommandShape): string {
  const name = root.name;
  const fn = `_${name.replaceAll("-", "_")}`;
  const commands = flatten(root);
  const paths = commands.slice(1).map(({ path }) => `    "${path.join(" ")}") path="$next" ;;`);
  const cases = commands.map(({ path, command }) => commandCase(path, command));
  const valued = commands.flatMap(({ path, command }) =>
    command.options
      .filter((option) => option.value !== undefined)
      .flatMap((option) => option.flags.map((flag) => `"${path.join(" ")}|${flag}"`)),
  );
  return `# bash completion for ${name}; made by: ${name} completion bash
${fn}() {
  local IFS=$'\\n' current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="" next word index position=0 skip=0
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if ((skip)); then skip=0; continue; fi
    case "$path|$word" in
    ${valued.join(" | ")}) skip=1; continue ;;
    esac
    next="\${path:+$path }$word"
    case "$next" in
${paths.join("\n")}
    *) case "$word" in -*) ;; *) position=$((position + 1)) ;; esac ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
}
complete -F ${fn} ${name}
`;
}

function commandCase(path: readonly string[], command: CommandShape): string {
  const values = command.options
    .filter((option) => option.value !== undefined)
    .map(({ flags, value }) => `      ${flags.join("|")}) ${reply(value as Completes)}; return ;;`);
  const flags = command.options.flatMap((option) => option.flags);
  const positions = command.arguments.map((argument, index) => {
    const last = index === command.arguments.length - 1;
    return `      ${last ? "*" : index}) ${reply(argument)} ;;`;
  });
  const names = command.commands.map((below) => below.name);
  const words = names.length > 0 ? `      *) ${reply({ kind: "words", words: names })} ;;` : "";
  return `  "${path.join(" ")}")
    case "$previous" in
${values.length === 0 ? "      *) ;;" : values.join("\n")}
    esac
    case "$current" in
      -*) ${reply({ kind: "words", words: flags })}; return ;;
    esac
    case "$position" in
${[...positions, words].filter((line) => line !== "").join("\n") || "      *) ;;"}
    esac
    ;;`;
}

function reply(completes: Completes): string {
  switch (completes.kind) {
    case "files":
      return 'COMPREPLY=($(compgen -f -- "$current")); compopt -o filenames 2>/dev/null';
    case "words":
      return `COMPREPLY=($(compgen -W $'${completes.words.join("\\n")}' -- "$current"))`;
    case "nothing":
      return "COMPREPLY=()";
  }
}
