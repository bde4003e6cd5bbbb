/*
 * Words for the groups "blocked", "unreachable" and "decision".
 */
#include "trust/words.h"

WORDS(RESET_IN_HANDSHAKE, "The connection was cut when encryption was about to begin",
      "The server's address answered, but when this computer named the site it wanted, the "
      "connection was cut. Filters do this to stop a site without reading it; a server that does "
      "not want this client does so too. Nothing was read: the connection never began.",
      "Try another network. If it works there, this network blocks the site.",
      "Look for the host name in the firewall's or filter's log; on your own server, in its "
      "error log.")

WORDS(CLOSED_IN_HANDSHAKE, "The connection was closed before any certificate was shown",
      "The server's address answered and then hung up without a word. A filter, or a server that "
      "does not serve this name, does that. Nothing was read.",
      "Try another network. If it works there, this network blocks the site.",
      "Check that the server serves this name on this port, and that no filter stands in front.")

WORDS(ALERT_RECEIVED, "The other side refused the connection and said why",
      "Instead of a certificate a TLS alert came: a short code for the reason. The server, or a "
      "filter in front of it, sent it. Nothing was read.",
      "Read the reason given. \"unrecognized name\" means that the server does not know the site; "
      "\"handshake failure\" that the two sides have no method in common.",
      "The alert's name points to the setting: names, protocol versions, cipher suites, or "
      "client certificates.")

WORDS(CLIENT_CERT_WANTED, "The server wants a certificate from you",
      "Some servers recognise their users by a certificate instead of a password. Without it you "
      "may see little or nothing. It does not affect who can read the connection.",
      "If you should have access, ask the server's owner for a certificate.",
      "Nothing needs doing if this is meant. Connections that need a client certificate cannot "
      "be inspected by a gateway: exempt them.")

WORDS(PROXY_REFUSED, "The proxy refused to connect to the server",
      "This computer is set to use a proxy, and the proxy said no. Nothing was read.",
      "Read the reason given: the proxy may want a login, or forbid this site.",
      "Look for the host in the proxy's log; allow CONNECT to this host and port.")

WORDS(DNS_FAILED, "The name has no address",
      "Asking for the address of this name brought none. It may be misspelt, may no longer "
      "exist, or be hidden by the network's filter.",
      "Check the spelling, then whether other sites work.",
      "Compare the answers of your resolver with those of another one.")

WORDS(CONNECT_REFUSED, "Nothing listens there",
      "The address answered that no service runs on this port.",
      "Check the port. If it is right, the service is down: try later.",
      "Start the service, or open the port in the firewall.")

WORDS(CONNECT_TIMEOUT, "The server did not answer",
      "No reply came from the address in the time allowed. It is down, far too slow, or a "
      "firewall swallows the packets silently.",
      "Check that other sites work, then try later or from another network.",
      "Check routing and firewalls in both directions.")

WORDS(NETWORK_UNREACHABLE, "There is no way to that address from here",
      "This computer knows no route to the server. It is offline, or the address is of a kind "
      "(IPv6, private) that this network does not carry.",
      "Check the network connection. With a VPN, check that it is up.",
      "Check the routes; if only IPv6 fails, mend or stop announcing it.")

WORDS(HANDSHAKE_TIMEOUT, "The server answered, but never finished the greeting",
      "The connection was made, then nothing more came. An overloaded server does that, and so "
      "does a filter that holds connections.",
      "Try again, then from another network.",
      "Look for packet size trouble (MTU) and for a device that holds back large ClientHellos.")

WORDS(HANDSHAKE_FAILED, "The two sides could not agree on an encrypted connection",
      "The server answered, but not as the protocol demands, or it shares no method with this "
      "computer. Nothing was read.",
      "Try from another network. If it fails there too, tell the server's owner.",
      "Check protocol versions, cipher suites and the private key of the server.")

WORDS(NOT_TLS, "What answers there does not speak TLS",
      "The answer is not the beginning of an encrypted connection. The port may be for a plain "
      "service, or for one that begins plainly and encrypts later (STARTTLS).",
      "Check the port. For mail servers and the like, give --starttls.",
      "Check that TLS is switched on for this port.")

WORDS(STARTTLS_REFUSED, "The server does not offer to encrypt",
      "The service answered, but would not switch to encryption. Somebody on the way can remove "
      "the offer, so this may also be the network's doing.",
      "Do not send a password over this connection.",
      "Switch on STARTTLS, or better the port that is encrypted from the start; look for a "
      "firewall that rewrites this protocol.")

WORDS(TOO_BIG, "The server sent more than any honest server would",
      "The greeting was larger than the limit that protects this computer. Reading stopped "
      "there.",
      "Do not go on. Tell the server's owner.",
      "Send only the server's certificate and its intermediates: a few kilobytes.")

WORDS(TRUSTED_ANYWAY, "You decided earlier to trust this anyway",
      "A decision is stored for this host and this key. It covers what was wrong then, nothing "
      "else, and it ends by itself.",
      "midwatch trust list shows it, midwatch trust remove takes it back.",
      "Mend the cause, so that nobody has to decide this.")

WORDS(DECISION_EXPIRED, "An earlier decision to trust this has run out",
      "You accepted this once, for a limited time. The time is over, so the question is open "
      "again.",
      "Decide anew, if it is still right.", "Mend the cause, so that nobody has to decide this.")

WORDS(DECISION_TOO_NARROW, "An earlier decision does not cover what is wrong now",
      "A decision is stored for this host, but something new is wrong, or the key is another one. "
      "A decision never stretches to cover more than was accepted.",
      "Read the new findings as if you had never accepted anything.",
      "Mend the cause, so that nobody has to decide this.")
