/*
 * Words for the group "name": the certificate is for somebody else.
 */
#include "trust/words.h"

WORDS(NAME_MISMATCH, "The certificate is for another name",
      "A certificate says which names its owner may speak for. This one does not say the name you "
      "asked for. Either the server is set up for another site, or the connection reached a "
      "machine that is not the one you meant.",
      "Check the spelling of the name. If it is right, do not type a password here; reach the "
      "site's owner some other way, or try from another network to see whether the answer changes.",
      "Install a certificate whose subject alternative names include this host name, or send the "
      "name to the server that has one (SNI and virtual hosts are the usual culprits).")

WORDS(NAME_WWW, "The certificate is for the same name with or without \"www.\"",
      "The certificate covers the site, but not in the form you asked for: only \"www.\" is "
      "missing or too much. That is almost always an oversight by the site's owner.",
      "Use the other form of the address. It leads to the same site and is covered.",
      "Add both forms, example.com and www.example.com, to the certificate's names.")

WORDS(NAME_TOO_DEEP, "The wildcard in the certificate does not reach this far down",
      "The certificate has a wildcard name such as *.example.com. A wildcard stands for exactly "
      "one label: it covers a.example.com, but neither example.com itself nor b.a.example.com.",
      "Nothing on your computer is wrong. Tell the site's owner which name you used.",
      "Add this exact name, or a wildcard one level deeper, to the certificate.")

WORDS(NAME_OTHER_TENANT, "This is the certificate of another customer of the same host",
      "The server belongs to a hosting or content delivery provider that serves many customers "
      "from one address. It answered with the certificate of somebody else, most often since it "
      "does not know the name you asked for, or the name was not sent.",
      "Try again later, or tell the site's owner. Do not enter anything private meanwhile.",
      "Register this host name with the provider and finish its certificate set-up; check that "
      "clients send the server name (SNI).")

WORDS(NAME_NO_SAN, "The certificate has no list of names",
      "Names belong in the certificate's \"subject alternative name\" list. This certificate has "
      "no such list, at most a name in the old \"common name\" field, which browsers and this "
      "program no longer read: it was too easy to misuse.",
      "Nothing on your computer is wrong. Tell the server's owner.",
      "Issue the certificate again with subjectAltName entries. With OpenSSL: "
      "-addext \"subjectAltName=DNS:host.example.com\".")

WORDS(NAME_GATEWAY, "A gateway answered in the server's place",
      "The name in the certificate is not a site at all but that of a network device or filter: "
      "a login page, a block page or an administration page. The connection ended there and never "
      "reached the server.",
      "Open a plain page in a browser: there may be a login page or a notice waiting. If this is "
      "a work or school network, ask its IT.",
      "If this site should work, exempt it from the filter, or give the block page a certificate "
      "for the name that was asked for only if your policy really wants that.")

WORDS(NAME_WILDCARD, "The wildcard in the certificate is one that nobody may use",
      "The certificate would cover this name only by a wildcard that is too wide or oddly placed, "
      "such as *.com or w*.example.com. Programs refuse those, because one certificate would "
      "stand for the sites of many owners.",
      "Do not go on. Tell the site's owner if you know them.",
      "Issue a certificate with the full name, or with a wildcard as the whole leftmost label "
      "below your own domain.")
