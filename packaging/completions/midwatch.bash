# Shell completion of midwatch. Written by tools/completions from --help; do not edit.

_midwatch()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command=${COMP_WORDS[1]} words=

    if [ "$COMP_CWORD" -eq 1 ]; then
        words='explain exempt version help --help --version'
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
    fi
    case $command:$prev in
    explain:--color)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur")
        return
        ;;
    exempt:--for | exempt:-f)
        mapfile -t COMPREPLY < <(compgen -W 'squid panos fortios zscaler sophos umbrella wsa cloudflare mitmproxy opnsense sslproxy midwatch' -- "$cur")
        return
        ;;
    exempt:--app | exempt:-a)
        COMPREPLY=()
        return
        ;;
    esac
    case $command in
    explain) words='--json --color --help' ;;
    exempt) words='--for --app --exact --domain --ticket --list --help' ;;
    version) words='' ;;
    help) words='explain exempt version help' ;;
    esac
    if [ "$command" = explain ] && [ "${cur#-}" = "$cur" ]; then
        words=$(midwatch explain --json 2>/dev/null | sed -n 's/.*"code": *"\([a-z0-9-]*\)".*/\1/p')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _midwatch midwatch
