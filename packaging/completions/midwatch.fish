# Shell completion of midwatch. Written by tools/completions from --help; do not edit.

complete -c midwatch -f
complete -c midwatch -n __fish_use_subcommand -a explain -d 'what a finding means, and what to do about it'
complete -c midwatch -n '__fish_seen_subcommand_from explain' -s j -l json -d 'as JSON, one object a line'
complete -c midwatch -n '__fish_seen_subcommand_from explain' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c midwatch -n '__fish_seen_subcommand_from explain' -s h -l help -d 'this text'
complete -c midwatch -n __fish_use_subcommand -a exempt -d 'the exception your IT needs, for their gateway'
complete -c midwatch -n '__fish_seen_subcommand_from exempt' -s f -l for -x -a 'squid panos fortios zscaler sophos umbrella wsa cloudflare mitmproxy opnsense sslproxy midwatch' -d 'squid, panos, fortios,'
complete -c midwatch -n '__fish_seen_subcommand_from exempt' -s a -l app -x -d 'the names of a known app'
complete -c midwatch -n '__fish_seen_subcommand_from exempt' -s x -l exact -d 'only the name itself, not what is below it'
complete -c midwatch -n '__fish_seen_subcommand_from exempt' -s d -l domain -d 'widen each name to its whole registered domain'
complete -c midwatch -n '__fish_seen_subcommand_from exempt' -s t -l ticket -d 'a text to send to IT, with the exception in it'
complete -c midwatch -n '__fish_seen_subcommand_from exempt' -s l -l list -d 'the gateways and the apps'
complete -c midwatch -n '__fish_seen_subcommand_from exempt' -s h -l help -d 'this text'
complete -c midwatch -n __fish_use_subcommand -a version -d 'which version this is'
complete -c midwatch -n __fish_use_subcommand -a help -d 'this text, or that of a command'
