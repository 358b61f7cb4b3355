/** The fish completion script. */
import { type CommandShape, type Completes, flatten, type OptionShape } from "./command-shape.ts";

/** The script. */
export function fishScript(root: CommandShape): string {
  const fn = `__${root.name.replaceAll("-", "_")}_at`;
  const commands = flatten(root);
  const paths = commands.map(({ path }) => path.join(" ")).filter((path) => path !== "");
  const lines = commands.flatMap(({ path, command }) => commandLines(root.name, `${fn} '${path.join(" ")}'`, command));
  return `# fish completion for ${root.name}; made by: ${root.name} completion fish
function ${fn} --description 'whether the command so far is the one given'
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$path $word")
    contains -- $next ${paths.map((path) => `'${path}'`).join(" ")}; and set path $next
  end
  test "$path" = "$argv[1]"
end
complete -c ${root.name} -f
${lines.join("\n")}
`;
}

function commandLines(name: string, condition: string, command: CommandShape): readonly string[] {
  const head = `complete -c ${name} -n ${quoted(condition)}`;
  return [
    ...command.commands.map((below) => `${head} -a ${below.name} -d ${quoted(below.summary)}`),
    ...command.options.map((option) => `${head} ${optionWords(option)} -d ${quoted(option.description)}`),
    ...command.arguments.filter(({ kind }) => kind !== "nothing").map((argument) => `${head} ${valueWords(argument)}`),
  ];
}

function optionWords({ flags, value }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return value === undefined
    ? names.join(" ")
    : `${names.join(" ")} ${value.kind === "files" ? "-r" : "-x"} ${valueWords(value)}`.trim();
}

function valueWords(completes: Completes): string {
  switch (completes.kind) {
    case "files":
      return "-F";
    case "words":
      return `-a ${quoted(completes.words.join(" "))}`;
    case "nothing":
      return "";
  }
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/gu, "\\$&")}'`;
}
