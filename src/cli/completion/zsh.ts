/** The zsh completion script. Works sourced and, as `_swarm-host`, from a directory of `$fpath`. */
import { type CommandShape, type Completes, flatten } from "./command-shape.ts";

/** The script. */
export function zshScript(root: CommandShape): string {
  const functions = flatten(root).map(({ path, command }) => functionFor([root.name, ...path], command));
  const main = functionName([root.name]);
  return `#compdef ${root.name}
# zsh completion for ${root.name}; made by: ${root.name} completion zsh
${functions.join("\n")}
if [ "$funcstack[1]" = "_${root.name}" ]; then
  ${main} "$@"
else
  compdef ${main} ${root.name}
fi
`;
}

function functionFor(path: readonly string[], command: CommandShape): string {
  const options = command.options.flatMap(({ flags, description, value }) =>
    flags.map((flag) => `'${flag}[${escaped(description)}]${value === undefined ? "" : `:value:${action(value)}`}'`),
  );
  if (command.commands.length === 0) {
    const positions = command.arguments.map((argument, index) =>
      index === command.arguments.length - 1
        ? `'*:argument:${action(argument)}'`
        : `'${index + 1}:argument:${action(argument)}'`,
    );
    return `${functionName(path)}() {\n  _arguments -s ${[...options, ...positions].join(" \\\n    ")}\n}`;
  }
  const names = command.commands.map(({ name, summary }) => `'${name}:${escaped(summary)}'`);
  const cases = command.commands.map(({ name }) => `    ${name}) ${functionName([...path, name])} ;;`);
  return `${functionName(path)}() {
  local curcontext="$curcontext" state line
  _arguments -C ${options.join(" \\\n    ")} '1:command:->command' '*::argument:->arguments'
  case $state in
  command)
    local -a commands=(${names.join(" ")})
    _describe command commands
    ;;
  arguments)
    case $line[1] in
${cases.join("\n")}
    esac
    ;;
  esac
}`;
}

function functionName(path: readonly string[]): string {
  return `__${path.join("_").replaceAll("-", "_")}`;
}

function action(completes: Completes): string {
  switch (completes.kind) {
    case "files":
      return "_files";
    case "words":
      return `(${completes.words.join(" ")})`;
    case "nothing":
      return " ";
  }
}

/** For inside single quotes and the brackets of `_arguments`. */
function escaped(text: string): string {
  return text.replace(/[[\]:\\]/gu, "\\$&").replaceAll("'", "'\\''");
}
