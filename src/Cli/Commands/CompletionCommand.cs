using System.CommandLine;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl completion</c>: a script for the shell that asks this program what could come next.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # policyctl completion bash > /etc/bash_completion.d/policyctl, or: source <(policyctl completion bash)
        _policyctl()
        {
          local IFS=$'\n'
          COMPREPLY=( $(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}") )
        }
        complete -o default -F _policyctl policyctl
        """;

    private const string Zsh = """
        #compdef policyctl
        # policyctl completion zsh > a folder of $fpath, as _policyctl; or: source <(policyctl completion zsh)
        _policyctl()
        {
          local -a found
          found=("${(@f)$("${words[1]}" "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
          compadd -a found
          _files
        }
        compdef _policyctl policyctl
        """;

    private const string Fish = """
        # policyctl completion fish > ~/.config/fish/completions/policyctl.fish
        function __policyctl
          set -l line (commandline -cp)
          command policyctl "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c policyctl -a '(__policyctl)'
        """;

    public static Command Create(CliHost host) => new("completion", "A completion script for your shell.")
    {
        Shell("bash", Bash, host), Shell("zsh", Zsh, host), Shell("fish", Fish, host),
    };

    private static Command Shell(string name, string script, CliHost host) => new Command(name, $"For {name}.").Does(host, (context, _) =>
    {
        context.Output.Line(script);
        return Task.FromResult(ExitCodes.Ok);
    });
}
