/*
 * Words for the group "interception" and for the handshake's parameters: who could read along.
 */
#include "trust/words.h"

#define PERSON_FIND_OUT                                                                            \
    "By itself this proves nothing. See what else was found, and try another network to compare."

WORDS(INTERCEPTOR_NAMED, "The certificate's issuer is a product that reads connections",
      "The issuer's name is that of a known product that ends encrypted connections, looks "
      "inside, and opens its own to the server. Filters, antivirus programs, company gateways "
      "and debugging tools do this. Whoever runs it can see everything on this connection: pages, "
      "passwords and files.",
      "Find out who runs it. At work or school it is probably meant, so keep private matters off "
      "this connection. At home look among your antivirus, filter and VPN programs; most let you "
      "switch off inspection for a site.",
      "If the app must not be inspected, exempt its hosts: midwatch exempt prints the entry for "
      "most products.")

WORDS(LOCAL_ANCHOR_ON_PUBLIC, "A public site is vouched for by an authority added to this computer",
      "Sites on the public internet use public authorities. This one is vouched for by a root "
      "that somebody added here. Nothing warns about that, because the computer trusts it, but "
      "the one honest explanation is that somebody re-signs the connection and can read it.",
      "Find out whose root it is. If neither you nor your company's IT installed it, treat this "
      "computer as watched until you know.",
      "If this is your gateway, tell your users, and exempt what must stay private. If it is not, "
      "find out which program or policy installed this root.")

WORDS(SAME_KEY_ON_CONTROLS, "Sites that have nothing in common are signed by the same key",
      "For comparison, other sites were contacted over the same path. Their certificates and this "
      "one are all signed by one key that is no public authority. Unrelated owners do not share "
      "a private authority. Somebody on the way signs for all of them.",
      "Assume that every site you visit from here can be read by whoever holds that key.",
      "This is what full TLS inspection looks like from inside. Exempt what must not be read.")

WORDS(CONTROLS_DIFFER, "Other sites contacted over the same path come with their own authorities",
      "For comparison, unrelated sites were contacted. They are signed by different authorities, "
      "as they should be. Nobody signs for all of them on this path.",
      "Nothing needs doing.", "Nothing needs doing.")

WORDS(NO_PUBLIC_SCTS, "The certificate was never entered in a public log",
      "Certificates from public authorities carry receipts from public logs. This one has none, "
      "so it almost surely does not come from a public authority, whatever its names say.",
      PERSON_FIND_OUT, "Expected for private authorities and inspecting gateways.")

WORDS(ODD_LIFETIME, "The certificate's lifetime is not one that public authorities grant",
      "Since 15 March 2026 public authorities issue for at most 200 days, and for less each year. "
      "This certificate is valid for longer, so a private authority or an inspecting product "
      "probably made it.",
      PERSON_FIND_OUT, "Expected for private authorities and inspecting gateways.")

WORDS(CAA_FORBIDS, "The name's owner did not allow this issuer",
      "The owner of a name can publish in DNS which authorities may issue for it (a CAA record). "
      "The issuer of this certificate is not among them. Records may have changed since it was "
      "issued, so this is only a hint.",
      PERSON_FIND_OUT,
      "Compare the CAA record with the authority you use, and add it if it is right.")

WORDS(ECH_REFUSED, "The server announces hidden names, but the connection did not accept one",
      "The name's owner publishes that their server accepts connections whose name is encrypted "
      "(Encrypted ClientHello). This connection refused it. Middle boxes do that, and so do "
      "servers in the middle of a change.",
      PERSON_FIND_OUT, "Check that the key in the DNS HTTPS record is the one the server holds.")

WORDS(PROXY_CONFIGURED, "This computer is set to use a proxy",
      "Connections go through another machine first. A proxy that only passes encrypted bytes "
      "on cannot read them; one that also re-signs certificates can.",
      "Check that you know the proxy named here. If you did not set it, ask who did.",
      "Nothing needs doing if the proxy is yours.")

WORDS(HOSTS_FILE_ENTRY, "This name is redirected by a file on this computer",
      "The hosts file on this computer gives this name an address of its own, before DNS is asked. "
      "Developers and some accelerator programs do that; so does malware.",
      "Look at the line named here. If you do not know it, find out which program wrote it.",
      "Remove the line unless it is meant.")

WORDS(VPN_UP, "A VPN is up, and this connection goes through it",
      "Whoever runs the VPN carries your traffic. It sees which hosts you reach. It can read "
      "what is inside only if it also re-signs certificates.",
      "Disconnect the VPN and check again. If the finding goes away, the VPN was the cause.",
      "Exempt the host from inspection at the VPN's exit, or route it outside the tunnel.")

WORDS(LOOPBACK_ROUTE, "The connection never left this computer",
      "The name leads to this computer itself, so a program here answered in the server's place.",
      "Look for a proxy, filter, accelerator or antivirus program running here.",
      "See which process listens on that address and port.")

WORDS(LOCAL_LISTENER, "A program on this computer stands between apps and the network",
      "A program running here takes in connections before they leave. Antivirus programs and "
      "filters work like this.",
      "The program is named above. Its settings usually have a switch for inspecting encrypted "
      "connections.",
      "Exempt the host in the program's management console.")

WORDS(ANSWERED_TOO_FAST, "The answer came faster than the network beyond here could carry it",
      "The reply took less time than a signal needs to the first point outside this network. "
      "Something close by must have given it.",
      PERSON_FIND_OUT, "Look for a transparent proxy, or a cache of your provider on site.")

WORDS(ECHO_EXPORTER_DIFFERS, "The server saw a different encrypted connection than this computer",
      "Both ends of one TLS connection can compute the same secret number. This computer and the "
      "server compared theirs, and they differ. So there are two connections, not one, and "
      "somebody who can read both stands between them.",
      "Do not send anything private over this path.",
      "Find what ends TLS between the two. A load balancer in front of the server does that too: "
      "then the echo must answer from where TLS ends.")

WORDS(ECHO_HELLO_DIFFERS, "The server received another greeting than this computer sent",
      "The first message of the connection was changed on the way. Whoever changed it ended this "
      "computer's connection and began another.",
      "Do not send anything private over this path.",
      "Find what ends or rewrites TLS between the two.")

WORDS(ECHO_AGREES, "The server confirms that this is one and the same encrypted connection",
      "The server told, signed with its own key, what it saw of this connection, and it is the "
      "same as here. Nobody in between can read it, whatever the certificates say.",
      "Nothing needs doing.", "Nothing needs doing.")

WORDS(ECHO_UNSIGNED, "The server's account of this connection is not signed by the expected key",
      "An answer came that should say what the server saw, but its signature is missing or by "
      "another key. Somebody in between could have written it, so it proves nothing.",
      "Check that the key you gave with --echo is the server's.",
      "Compare the key that the echo prints when it starts with the one its users have.")

WORDS(CAPTIVE_PORTAL, "This network wants you to log in first",
      "Networks in hotels, trains and cafes hold back all traffic until you have accepted their "
      "terms. Until then they answer in place of every site, and programs warn.",
      "Open a browser, go to a plain page such as http://example.com, log in, and try again.",
      "Announce the portal with DHCP option 114 (RFC 8910), so that devices open it themselves.")

WORDS(TLS_OLD_VERSION, "The connection uses an outdated version of TLS",
      "TLS 1.0 and 1.1, and SSL before them, have known weaknesses and were retired in 2021. "
      "Somebody who can change bytes on the way may be able to read along.",
      "Do not send anything private. Tell the server's owner.",
      "Switch on TLS 1.2 and 1.3, and switch off everything older. An old middle box may also be "
      "the cause.")

WORDS(TLS_WEAK_CIPHER, "The connection is encrypted with a method that can be broken",
      "The two sides agreed on a cipher that is broken, or on none at all. What is sent can be "
      "read by somebody with enough of the traffic.",
      "Do not send anything private. Tell the server's owner.",
      "Offer only AES-GCM, AES-CCM and ChaCha20-Poly1305 suites.")

WORDS(TLS_WEAK_KEY_EXCHANGE, "The keys of this connection were agreed in a weak way",
      "The way both sides agreed on their secret uses numbers too small to be safe, or does not "
      "protect recorded traffic if the server's key is stolen later.",
      "Avoid sending anything private. Tell the server's owner.",
      "Use elliptic curves (X25519, P-256), or finite-field groups of at least 2048 bits.")

WORDS(TLS_DOWNGRADED, "Somebody made the connection use an older version than both sides support",
      "The server marked its answer: it could do better but was asked for less. This computer did "
      "ask for more. So the request was changed on the way.",
      "Do not send anything private over this network. Try another one.",
      "Look for a device on the way that rewrites TLS handshakes, and update or remove it.")
