import { defineCommand } from "../command.ts";
import { one } from "../flag.ts";
import { UsageError } from "../usage-error.ts";

/** A script for each shell. All of them ask `portolan __complete` with the words before the cursor and the one at it. */
export const scripts = {
  bash: `# bash completion of portolan: source it, or put it into /etc/bash_completion.d/portolan
_portolan() {
  mapfile -t COMPREPLY < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi
}
complete -o default -F _portolan portolan`,
  zsh: `#compdef portolan
# zsh completion of portolan: source it, or put it into a folder of $fpath as _portolan
_portolan() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n \${candidates[1]-} ]]; then
    compadd -Q -- "\${candidates[@]}"
  else
    _files
  fi
}
if [[ \${funcstack[1]-} == _portolan ]]; then _portolan "$@"; else compdef _portolan portolan; fi`,
  fish: `# fish completion of portolan: put it into ~/.config/fish/completions/portolan.fish
function __portolan_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l candidates ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  if set -q candidates[1]
    printf '%s\\n' $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c portolan -f -a '(__portolan_complete)'`,
} as const;

export const command = defineCommand({
  summary: "Print a completion script for a shell",
  arguments: { shell: one("SHELL", "bash, zsh or fish", Object.keys(scripts)) },
  flags: {},
  examples: [
    { line: "source <(portolan completion bash)", meaning: "for this shell" },
    { line: "portolan completion fish > ~/.config/fish/completions/portolan.fish", meaning: "for every fish" },
  ],
  async run({ shell }, { output }) {
    const script = Object.entries(scripts).find(([name]) => name === shell)?.[1];
    if (script === undefined) {
      throw new UsageError(
        `there is no completion for "${shell}"`,
        `there is one for ${Object.keys(scripts).join(", ")}`,
      );
    }
    output.line(script);
  },
});
