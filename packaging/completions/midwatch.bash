# Shell completion of midwatch. Written by tools/completions from --help; do not edit.

_midwatch()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command=${COMP_WORDS[1]} words=

    if [ "$COMP_CWORD" -eq 1 ]; then
        words='check explain exempt trust pin watch gate lab version help --help --version'
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
    fi
    case $command:$prev in
    check:--connect)
        COMPREPLY=()
        return
        ;;
    check:--sni)
        COMPREPLY=()
        return
        ;;
    check:--alpn)
        COMPREPLY=()
        return
        ;;
    check:--starttls)
        mapfile -t COMPREPLY < <(compgen -W 'smtp imap pop3 ftp xmpp ldap postgres mysql' -- "$cur")
        return
        ;;
    check:--proxy)
        COMPREPLY=()
        return
        ;;
    check:--timeout | check:-t)
        COMPREPLY=()
        return
        ;;
    check:--parallel | check:-p)
        COMPREPLY=()
        return
        ;;
    check:--dns)
        COMPREPLY=()
        return
        ;;
    check:--chain)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--roots)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--local-roots)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--crls)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--ct-logs)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--interceptors)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--pin)
        COMPREPLY=()
        return
        ;;
    check:--at)
        COMPREPLY=()
        return
        ;;
    check:--controls)
        COMPREPLY=()
        return
        ;;
    check:--time-servers)
        COMPREPLY=()
        return
        ;;
    check:--echo)
        COMPREPLY=()
        return
        ;;
    check:--portal)
        COMPREPLY=()
        return
        ;;
    check:--hosts-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--html)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--junit)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    check:--color)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur")
        return
        ;;
    check:--reason)
        COMPREPLY=()
        return
        ;;
    check:--for)
        COMPREPLY=()
        return
        ;;
    check:--state)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    check:--config)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
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
    trust:--state)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    pin:--until | pin:-u)
        COMPREPLY=()
        return
        ;;
    pin:--cert | pin:-c)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    pin:--state)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    watch:--connect)
        COMPREPLY=()
        return
        ;;
    watch:--sni)
        COMPREPLY=()
        return
        ;;
    watch:--alpn)
        COMPREPLY=()
        return
        ;;
    watch:--starttls)
        mapfile -t COMPREPLY < <(compgen -W 'smtp imap pop3 ftp xmpp ldap postgres mysql' -- "$cur")
        return
        ;;
    watch:--proxy)
        COMPREPLY=()
        return
        ;;
    watch:--timeout | watch:-t)
        COMPREPLY=()
        return
        ;;
    watch:--parallel | watch:-p)
        COMPREPLY=()
        return
        ;;
    watch:--dns)
        COMPREPLY=()
        return
        ;;
    watch:--roots)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    watch:--local-roots)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    watch:--ct-logs)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    watch:--interceptors)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    watch:--pin)
        COMPREPLY=()
        return
        ;;
    watch:--controls)
        COMPREPLY=()
        return
        ;;
    watch:--time-servers)
        COMPREPLY=()
        return
        ;;
    watch:--echo)
        COMPREPLY=()
        return
        ;;
    watch:--portal)
        COMPREPLY=()
        return
        ;;
    watch:--hosts-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    watch:--color)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur")
        return
        ;;
    watch:--state)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    watch:--config)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    watch:--interval | watch:-i)
        COMPREPLY=()
        return
        ;;
    watch:--count | watch:-n)
        COMPREPLY=()
        return
        ;;
    gate:--config | gate:-c)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    gate:--listen | gate:-l)
        COMPREPLY=()
        return
        ;;
    gate:--state | gate:-s)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    gate:--roots | gate:-r)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    gate:--local-roots)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    gate:--dns)
        COMPREPLY=()
        return
        ;;
    gate:--hosts-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    gate:--workers | gate:-w)
        COMPREPLY=()
        return
        ;;
    gate:--set)
        COMPREPLY=()
        return
        ;;
    gate:--ready-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    gate:--log-level)
        COMPREPLY=()
        return
        ;;
    lab:--listen)
        COMPREPLY=()
        return
        ;;
    lab:--http)
        COMPREPLY=()
        return
        ;;
    lab:--state)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    lab:--for)
        COMPREPLY=()
        return
        ;;
    lab:--ready-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    lab:--write)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    esac
    case $command in
    check) words='--ipv4 --ipv6 --connect --sni --alpn --starttls --proxy --no-proxy --timeout --parallel --dns --chain --roots --local-roots --crls --ct-logs --interceptors --pin --at --no-network-evidence --controls --time-servers --echo --ocsp --portal --hosts-file --certs --pem --json --html --junit --color --quiet --verbose --exit-class --ask --reason --for --unattended --state --config --help' ;;
    explain) words='--json --color --help' ;;
    exempt) words='--for --app --exact --domain --ticket --list --help' ;;
    trust) words='list remove log --json --state --help' ;;
    pin) words='add list remove import --backup --tree --until --cert --json --state --help' ;;
    watch) words='--ipv4 --ipv6 --connect --sni --alpn --starttls --proxy --no-proxy --timeout --parallel --dns --roots --local-roots --ct-logs --interceptors --pin --no-network-evidence --controls --time-servers --echo --ocsp --portal --hosts-file --json --color --state --config --help --interval --count' ;;
    gate) words='status top why learned ca log route test-config selftest reload upgrade drain --config --listen --state --roots --local-roots --dns --hosts-file --workers --set --ready-file --log-level --help' ;;
    lab) words='--listen --http --state --echo --for --ready-file --list --json --write --help' ;;
    version) words='' ;;
    help) words='check explain exempt trust pin watch gate lab version help' ;;
    esac
    if [ "$command" = explain ] && [ "${cur#-}" = "$cur" ]; then
        words=$(midwatch explain --json 2>/dev/null | sed -n 's/.*"code": *"\([a-z0-9-]*\)".*/\1/p')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _midwatch midwatch
